"""Checks the kernels' object files: what the linker may mix up between instruction sets, and what they may not call.

An inline function compiled for AVX-512 may be the copy that the linker keeps for the whole program. So everything that
an object of the library fastnn_<isa> defines must lie in the namespace fastnn::<isa>. It may call nothing but what a
compiler emits for copies (no libm: its results differ between machines), and nothing may run before main.

    python tools/check_symbols.py build/default
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

MAY_BE_CALLED = {"memcpy", "memmove", "memset", "memcmp", "__stack_chk_fail", "_GLOBAL_OFFSET_TABLE_"}
# What runs AVX-512 runs AVX2.
TAKES_FROM = {"avx512": "avx2"}
LOCAL_KINDS = set("abdrtnN?")
INITIALISER = re.compile(r"_GLOBAL__(sub_)?I|__cxx_global_var_init")


def own_pattern(isa: str) -> re.Pattern[str]:
    """Mangled names of what lies in fastnn::<isa>, its static locals and their guards included."""
    return re.compile(rf"_Z(GV|GR|T[VTISC])?Z*N[VKr]*6fastnn{len(isa)}{isa}")


def symbols(path: Path) -> list[tuple[str, str]]:
    """(kind, mangled name) of every symbol, the kinds as in `man nm`."""
    listing = subprocess.run(["nm", "--format=posix", path], capture_output=True, text=True, check=True).stdout
    return [(fields[1], fields[0]) for fields in map(str.split, listing.splitlines()) if len(fields) >= 2]


def offences(path: Path, isa: str) -> list[str]:
    """One sentence for each symbol of an object file that breaks a rule."""
    own, found = own_pattern(isa), []
    for kind, name in symbols(path):
        if INITIALISER.search(name):
            found.append(f"{name} runs before main")
        elif kind in LOCAL_KINDS or own.match(name) or name in MAY_BE_CALLED:
            continue
        elif kind == "U" and isa in TAKES_FROM and own_pattern(TAKES_FROM[isa]).match(name):
            continue
        elif kind in "Uw":
            found.append(f"{name} is called, and is neither in fastnn::{isa} nor a copy of memory")
        else:
            found.append(f"{name} is defined (kind {kind}) outside fastnn::{isa}")
    return found


def main(build: str) -> int:
    """Prints the offences of all kernels' objects under a build folder; 1 if there is one."""
    objects = sorted(
        (match[1], path)
        for path in Path(build).rglob("*.o*")
        if (match := re.search(r"/fastnn_(generic|avx2|avx512|neon)\.dir/", path.as_posix())) and path.is_file()
    )
    if not objects:
        print(f"no kernels' objects under {build}")
        return 1
    found = [f"{path}: {sentence}" for isa, path in objects for sentence in offences(path, isa)]
    print(
        *found,
        f"{len(objects)} objects of {', '.join(sorted({isa for isa, _ in objects}))}: {len(found)} offences",
        sep="\n",
    )
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
