"""Checks that a wheel holds exactly what it should, is small, stripped, and shows the C interface only.

python tools/check_wheel.py WHEEL
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from check_symbols import HEADERS, c_interface, exports, symbols

ROOT = Path(__file__).resolve().parent.parent
# gcc 12 makes 0.997e6.
MOST_BYTES = 1_000_000
EXTENSION = re.compile(r"fastnn/_fastnn\.[\w.-]+\.so")
LIBRARY = re.compile(r"fastnn/lib/libfastnn\.(so|dylib)")
CMAKE_FILES = ("config", "config-version", "targets", "targets-release")
METADATA = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
# Of the C++ inside, for the extension: functions of namespace fastnn.
INSIDE = re.compile(r"_ZNK?6fastnn")
SYSTEM = re.compile(r"lib(stdc\+\+|m|gcc_s|c|pthread|c\.musl-\w+)\.so[.\d]*|ld-linux[\w-]*\.so\.\d")


def expected(dist_info: str) -> set[str]:
    """The names of all files but the two libraries."""
    sources = (
        path for path in (ROOT / "src" / "fastnn").rglob("*") if path.suffix in {".py", ".pyi", ".pxd", ".typed"}
    )
    return {
        *(path.relative_to(ROOT / "src").as_posix() for path in sources),
        *(f"fastnn/include/fastnn/{path.name}" for path in HEADERS.iterdir()),
        *(f"fastnn/lib/cmake/fastnn/fastnn-{name}.cmake" for name in CMAKE_FILES),
        *(f"{dist_info}/{name}" for name in METADATA),
    }


def name_offences(names: list[str]) -> list[str]:
    """One sentence for each file that is too many or missing."""
    dist_info = next((name.partition("/")[0] for name in names if ".dist-info/" in name), "")
    rest, wanted = set(names), expected(dist_info)
    found = []
    for kind, pattern in (("extension", EXTENSION), ("libfastnn", LIBRARY)):
        matches = {name for name in names if pattern.fullmatch(name)}
        rest -= matches
        if len(matches) != 1:
            found.append(f"one {kind} is wanted, there are {sorted(matches)}")
    found += [f"{name} has no place in a wheel" for name in sorted(rest - wanted)]
    return found + [f"{name} is missing" for name in sorted(wanted - rest)]


def dynamic(path: Path, tag: str) -> list[str]:
    """The values of a tag in the dynamic section of an ELF file."""
    listing = subprocess.run(["readelf", "--dynamic", path], capture_output=True, text=True, check=True).stdout
    return re.findall(rf"\({tag}\).*\[(.*)\]", listing)


def binary_offences(extension: Path, library: Path) -> list[str]:
    """One sentence for each thing that is wrong with the two ELF files."""
    found = []
    for path in (extension, library):
        if symbols(path):
            found.append(f"{path.name} is not stripped")
        found += [
            f"{path.name} wants {needed}"
            for needed in dynamic(path, "NEEDED")
            if not SYSTEM.fullmatch(needed) and (path, needed) != (extension, library.name)
        ]
    if library.name not in dynamic(extension, "NEEDED") or dynamic(extension, "RUNPATH") != ["$ORIGIN/lib"]:
        found.append(f"{extension.name} is not linked to the {library.name} beside it")
    if (shown := exports(extension)) != {"PyInit__fastnn"}:
        found.append(f"{extension.name} shows {sorted(shown)}, not PyInit__fastnn alone")
    shown, interface = exports(library), c_interface()
    used = {name for _, name in symbols(extension, "--dynamic", "--undefined-only") if INSIDE.match(name)}
    found += [f"{library.name} shows {name}" for name in sorted(shown - interface) if not INSIDE.match(name)]
    return found + [f"{library.name} does not show {name}" for name in sorted((interface | used) - shown)]


def path_offences(folder: Path) -> list[str]:
    """One sentence for each absolute path in the CMake files."""
    return [
        f"{path.name} names {name}"
        for path in folder.rglob("*.cmake")
        for name in re.findall(r"""(?<=[\s"'])/\w[\w./-]+""", path.read_text(encoding="utf-8"))
    ]


def main(wheel: str) -> int:
    """Prints the offences of a wheel; 1 if there is one."""
    size = Path(wheel).stat().st_size
    found = [] if size < MOST_BYTES else [f"{size} bytes are too many: fewer than {MOST_BYTES} are wanted"]
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as temporary:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        found += name_offences(names)
        archive.extractall(temporary)
        home = Path(temporary) / "fastnn"
        found += path_offences(home)
        for path in sorted(home.glob("_fastnn*.so")):
            if path.read_bytes()[:4] == b"\x7fELF":
                found += binary_offences(path, home / "lib" / "libfastnn.so")
            else:
                print(f"{path.name} is no ELF file: its symbols are not looked at")
    print(*found, f"{Path(wheel).name}: {size} bytes, {len(names)} files, {len(found)} offences", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
