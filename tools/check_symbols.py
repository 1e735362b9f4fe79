"""Checks the kernels' object files: what the linker may mix up between instruction sets, and what they may not call.
And that a shared library shows the C interface, all of it and nothing else.

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
HEADERS = Path(__file__).resolve().parent.parent / "src" / "cpp" / "include" / "fastnn"
DECLARED = re.compile(r"\bFASTNN_API\s+[^;(#]*?\b(fastnn_\w+)\s*\(")
LOCAL_KINDS = set("abdrtnN?")
INITIALISER = re.compile(r"_GLOBAL__(sub_)?I|__cxx_global_var_init")


def own_pattern(isa: str) -> re.Pattern[str]:
    """Mangled names of what lies in fastnn::<isa>, its static locals and their guards included."""
    return re.compile(rf"_Z(GV|GR|T[VTISC])?Z*N[VKr]*6fastnn{len(isa)}{isa}")


def symbols(path: Path, *options: str) -> list[tuple[str, str]]:
    """(kind, mangled name) of every symbol, the kinds as in `man nm`."""
    command = ["nm", "--format=posix", *options, path]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [(fields[1], fields[0]) for fields in map(str.split, listing.splitlines()) if len(fields) >= 2]


def offences(path: Path, isa: str) -> list[str]:
    """One sentence for each symbol of an object file that breaks a rule."""
    own, found = own_pattern(isa), []
    for kind, name in symbols(path):
        if INITIALISER.search(name):
            found.append(f"{name} runs before main")
        elif (
            kind in LOCAL_KINDS
            or own.match(name)
            or name in MAY_BE_CALLED
            or (kind == "U" and isa in TAKES_FROM and own_pattern(TAKES_FROM[isa]).match(name))
        ):
            continue
        elif kind in "Uw":
            found.append(f"{name} is called, and is neither in fastnn::{isa} nor a copy of memory")
        else:
            found.append(f"{name} is defined (kind {kind}) outside fastnn::{isa}")
    return found


def exports(path: Path) -> set[str]:
    """The names that a shared library shows."""
    return {name.partition("@")[0] for _, name in symbols(path, "--dynamic", "--defined-only")}


def c_interface() -> set[str]:
    """The functions that the C headers declare."""
    return {name for header in HEADERS.glob("*.h") for name in DECLARED.findall(header.read_text(encoding="utf-8"))}


def library_offences(path: Path) -> list[str]:
    """One sentence for each symbol that a shared library shows and should not, or the other way round."""
    shown, declared = exports(path), c_interface()
    return [
        *(f"{name} is shown, and is no function of the headers" for name in sorted(shown - declared)),
        *(f"{name} is a function of the headers, and is not shown" for name in sorted(declared - shown)),
    ]


def main(build: str) -> int:
    """Prints the offences of all kernels' objects and of the libraries under a build folder; 1 if there is one."""
    objects = sorted(
        (match[1], path)
        for path in Path(build).rglob("*.o*")
        if (match := re.search(r"/fastnn_(generic|avx2|avx512|neon)\.dir/", path.as_posix())) and path.is_file()
    )
    if not objects:
        print(f"no kernels' objects under {build}")
        return 1
    found = [f"{path}: {sentence}" for isa, path in objects for sentence in offences(path, isa)]
    libraries = [path for path in sorted(Path(build).rglob("libfastnn.so")) if path.is_file()]
    found += [f"{path}: {sentence}" for path in libraries for sentence in library_offences(path)]
    isas = ", ".join(sorted({isa for isa, _ in objects}))
    summary = f"{len(libraries)} shared libraries, {len(objects)} objects of {isas}: {len(found)} offences"
    print(*found, summary, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
