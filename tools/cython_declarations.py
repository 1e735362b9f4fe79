"""Writes src/fastnn/__init__.pxd, what Cython has to know of the C interface, from the C headers.

python tools/cython_declarations.py
"""

from __future__ import annotations

import re
from pathlib import Path

from fastnn.cfunctions import declarations

ROOT = Path(__file__).resolve().parent.parent
HEADERS = ROOT / "src" / "cpp" / "include" / "fastnn"
RESULT = ROOT / "src" / "fastnn" / "__init__.pxd"

HEAD = """\
# The C interface for Cython, written by tools/cython_declarations.py from the C headers. What a function does and
# wants stands there: see `python -m fastnn --includes`.
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

cdef extern from "fastnn/fastnn.h" nogil:
"""
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
INTEGER = re.compile(r"typedef\s+int32_t\s+(fastnn_\w+)\s*;")
NAMED_ENUM = re.compile(r"typedef\s+enum\s+\w+\s*\{[^}]*\}\s*(fastnn_\w+)\s*;")
ENUMERATORS = re.compile(r"\benum\s*\w*\s*\{([^}]*)\}")
OPAQUE = re.compile(r"typedef\s+struct\s+\w+\s+(fastnn_\w+)\s*;")
STRUCT = re.compile(r"typedef\s+struct\s+\w+\s*\{([^}]*)\}\s*(fastnn_\w+)\s*;")
CONSTANT = re.compile(r"^#define\s+(FASTNN_ABI_VERSION|FASTNN_ALIGNMENT)\s", re.MULTILINE)


def declared(headers: Path) -> str:
    """The text of the .pxd for the headers in a directory."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in sorted(headers.glob("*.h")))
    source = COMMENT.sub("", source)
    names = [part.split("=")[0].strip() for body in ENUMERATORS.findall(source) for part in body.split(",")]
    lines = [f"ctypedef int32_t {name}" for name in (*NAMED_ENUM.findall(source), *INTEGER.findall(source))]
    lines += ["enum:", *(f"    {name}" for name in (*CONSTANT.findall(source), *names))]
    lines += [f"ctypedef struct {name}:\n        pass" for name in OPAQUE.findall(source)]
    for body, name in STRUCT.findall(source):
        lines += [f"ctypedef struct {name}:", *(f"    {' '.join(field.split())}" for field in body.split(";")[:-1])]
    for function in declarations(source):
        parameters = ", ".join(f"{kind} {name}" for kind, name in function.parameters)
        lines.append(f"{function.result} {function.name}({parameters})")
    return HEAD + "".join(f"    {line}\n" for line in lines)


if __name__ == "__main__":
    RESULT.write_text(declared(HEADERS), encoding="utf-8")
