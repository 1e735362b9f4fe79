"""The table of docs/cuda.md: what ptxas makes of every kernel of the cuda backend, and what two GPUs could make of it.

    python tools/cuda/table.py            writes the table into docs/cuda.md
    python tools/cuda/table.py --json     prints what was measured: every kernel, dtype and compute capability
    python tools/cuda/table.py --json --only NAME,NAME --capability 8.0

No GPU and no driver are needed; see assemble.py for what is.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import assemble
import roofline

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "cuda.md"
BEGIN, END = "<!-- begin of the table of tools/cuda/table.py -->", "<!-- end of the table of tools/cuda/table.py -->"


def registered() -> dict[str, Any]:
    """Every kernel of the backend by its name."""
    importlib.import_module("fastnn.backends.numba_cuda")
    kernels: dict[str, Any] = importlib.import_module("fastnn.backends.numba_cuda.compiling").KERNELS
    return kernels


def measure(kernel: Any, dtype: Any, capability: assemble.Capability) -> dict[str, Any]:
    """One row: what a kernel is declared to be, and what the compiler made of it."""
    threads = kernel.threads[0] * kernel.threads[1] * kernel.threads[2]
    row: dict[str, Any] = {
        "kernel": kernel.name,
        "file": kernel.function.__module__.rpartition(".")[2],
        "dtype": dtype.name,
        "capability": capability,
        "unit": kernel.unit,
        "threads": threads,
        "intended_blocks": kernel.blocks,
        "fma": kernel.fma,
        "shuffle": kernel.shuffle,
        "doubles": kernel.doubles,
        "bytes": float(kernel.bytes(dtype.itemsize)),
        "flops": float(kernel.flops(dtype.itemsize)),
    }
    try:
        ptx = kernel.ptx(dtype, capability)
        assembled = assemble.assemble(ptx, capability)
    except Exception as error:  # whatever the compilers raise is a finding about this kernel
        return row | {"error": f"{type(error).__name__}: {error}"[-2000:]}
    row |= asdict(assembled) | {
        "blocks": assembled.blocks(threads, capability),
        "occupancy": assembled.occupancy(threads, capability),
        "instructions": sorted(assemble.instructions(ptx)),
    }
    for gpu in roofline.GPUS:
        if gpu.capability == capability:
            body = roofline.body_of(ptx)
            roof, least, most = roofline.predicted_share(
                gpu, 8 if dtype.itemsize == 8 else 4, row["bytes"], row["flops"], threads, assembled, body
            )
            row |= {"roof": roof, "share": (least, most), "body": asdict(body)}
    return row


def measure_all(
    only: list[str] | None = None, capabilities: tuple[assemble.Capability, ...] = assemble.CAPABILITIES
) -> list[dict[str, Any]]:
    """The rows of all kernels, or of some."""
    kernels = registered()
    chosen = [kernels[name] for name in only] if only else kernels.values()
    return [measure(kernel, dtype, c) for kernel in chosen for dtype in kernel.dtypes for c in capabilities]


def number(value: float) -> str:
    """A count, short."""
    return f"{value:.0f}" if value == int(value) or value >= 100 else f"{value:.3g}"


def fixed_columns(row: dict[str, Any]) -> list[str]:
    """What does not depend on a compiler: the declaration of a kernel."""
    intensity = row["flops"] / row["bytes"] if row["bytes"] else 0.0
    return [
        f"`{row['kernel']}`",
        row["unit"],
        str(row["threads"]),
        *map(number, (row["bytes"], row["flops"], intensity)),
    ]


def percent(least: float, most: float) -> str:
    """A share, or from which to which."""
    low, high = f"{least:.0%}", f"{most:.0%}"
    return high if low == high else f"{low} to {high}"


def compiled_columns(rows: dict[assemble.Capability, dict[str, Any]]) -> list[str]:
    """Registers, shared memory, occupancy and the predicted shares."""
    ordered = [rows[c] for c in assemble.CAPABILITIES]
    return [
        " / ".join(str(row["registers"]) for row in ordered),
        " / ".join(dict.fromkeys(str(row["shared"]) for row in ordered)),
        " / ".join(f"{row['occupancy']:.0%}" for row in ordered),
        *(f"{percent(*rows[gpu.capability]['share'])} {rows[gpu.capability]['roof']}" for gpu in roofline.GPUS),
    ]


HEADINGS = (
    *("Kernel", "An output", "Threads", "Bytes", "FLOPs", "FLOPs / byte"),
    *("Registers", "Shared bytes", "Occupancy", "A100", "H100"),
)


def to_markdown(rows: list[dict[str, Any]], versions: dict[str, str]) -> str:
    """The table of each dtype, with the versions it was made with."""
    lines = [f"Made with {', '.join(f'{name} {version}' for name, version in versions.items())}."]
    for dtype in dict.fromkeys(row["dtype"] for row in rows):
        groups: dict[str, dict[assemble.Capability, dict[str, Any]]] = {}
        for row in rows:
            if row["dtype"] == dtype:
                groups.setdefault(row["kernel"], {})[tuple(row["capability"])] = row
        lines += ["", f"### {dtype}", "", "| " + " | ".join(HEADINGS) + " |", "|---|---|" + "---:|" * 9]
        for group in groups.values():
            cells = fixed_columns(next(iter(group.values()))) + compiled_columns(group)
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def table_in(page: str) -> str:
    """What stands between the markers."""
    return page.partition(BEGIN)[2].partition(END)[0].strip()


def with_table(page: str, table: str) -> str:
    """The page with another table between its markers."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.partition(END)[2]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print every figure instead of writing the page")
    parser.add_argument("--only", help="names of kernels, by commas (with --json)")
    parser.add_argument("--capability", action="append", help="a compute capability such as 8.0 (with --json)")
    options = parser.parse_args()
    reason = assemble.missing()
    if reason is not None:
        print(reason, file=sys.stderr)
        return 2
    if options.json:
        chosen = tuple(tuple(map(int, text.split("."))) for text in options.capability or ())
        rows = measure_all(options.only.split(",") if options.only else None, chosen or assemble.CAPABILITIES)
        json.dump({"versions": assemble.versions(), "rows": rows}, sys.stdout)
        return 0
    rows = measure_all()
    wrong = [row for row in rows if "error" in row]
    for row in wrong:
        print(f"{row['kernel']} {row['dtype']} {row['capability']}: {row['error']}", file=sys.stderr)
    if wrong:
        return 1
    PAGE.write_text(with_table(PAGE.read_text(), to_markdown(rows, assemble.versions())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
