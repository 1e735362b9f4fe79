"""Every kernel of the cuda backend compiled to PTX and assembled by ptxas, in a process of its own; without a GPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "tools" / "cuda"
sys.path.insert(0, os.fspath(FOLDER))

import assemble  # noqa: E402
import roofline  # noqa: E402
import table  # noqa: E402

Rows = list[dict[str, Any]]
MISSING = assemble.missing()
needs_compiler = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
# One of each sort: elementwise, a row in a warp's registers, an optimizer's step, a product.
QUICK = ("activation_elements", "softmax_warp_4", "adam", "product_large_float32_nn")


def measured(*options: str) -> dict[str, Any]:
    """What tools/cuda/table.py prints."""
    command = [sys.executable, os.fspath(FOLDER / "table.py"), "--json", *options]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=3600, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.fixture(scope="module")
def everything() -> dict[str, Any]:
    """All kernels, dtypes and compute capabilities."""
    return measured()


def findings(rows: Rows) -> list[str]:
    """What is wrong with the kernels: a line for each finding."""
    wrong = []
    for row in rows:
        where = f"{row['kernel']} {row['dtype']} {'.'.join(map(str, row['capability']))}"
        if "error" in row:
            wrong.append(f"{where}: {row['error']}")
            continue
        names = row["instructions"]
        if row["stack"] or row["spills"]:
            wrong.append(f"{where}: {row['stack']} bytes of local memory, {row['spills']} bytes of spills")
        if any(name.startswith(("ld.local", "st.local")) for name in names):
            wrong.append(f"{where}: reads or writes local memory")
        if row["shared"] > assemble.MOST_SHARED:
            wrong.append(f"{where}: {row['shared']} bytes of shared memory, at most {assemble.MOST_SHARED}")
        most = assemble.MULTIPROCESSORS[tuple(row["capability"])].threads // row["threads"]
        if row["blocks"] < min(row["intended_blocks"], most):
            wrong.append(
                f"{where}: {row['blocks']} blocks a multiprocessor, wanted {row['intended_blocks']}; "
                f"{row['registers']} registers, {row['shared']} bytes of shared memory"
            )
        for flag, instruction in (("fma", "fma.rn"), ("shuffle", "shfl.sync")):
            if row[flag] and not any(name.startswith(instruction) for name in names):
                wrong.append(f"{where}: no {instruction}")
        doubles = [name for name in names if ".f64" in name and not name.startswith(("ld.param", "mov."))]
        if doubles and row["dtype"] == "float32" and not row["doubles"]:
            wrong.append(f"{where}: computes in float64: {', '.join(doubles)}")
    return wrong


@needs_compiler
def test_some_kernels_on_one_architecture() -> None:
    result = measured("--only", ",".join(QUICK), "--capability", "8.0")
    assert {row["kernel"] for row in result["rows"]} == set(QUICK)
    assert len(result["rows"]) == 7  # in two dtypes, but the product
    assert findings(result["rows"]) == []


@needs_compiler
@pytest.mark.slow
def test_every_kernel_on_every_architecture(everything: dict[str, Any]) -> None:
    rows = everything["rows"]
    assert {tuple(row["capability"]) for row in rows} == set(assemble.CAPABILITIES)
    assert len({row["kernel"] for row in rows}) > 50
    assert findings(rows) == []


@needs_compiler
@pytest.mark.slow
def test_the_page_shows_these_kernels(everything: dict[str, Any]) -> None:
    """But for what the compilers decide: some registers depend on the order of sets in Numba, and so on the process."""
    shown = table.table_in(table.PAGE.read_text())
    wanted = table.to_markdown(everything["rows"], everything["versions"])
    assert machine_independent(shown) == machine_independent(wanted), "run python tools/cuda/table.py"


def machine_independent(text: str) -> str:
    """A table without what the compilers decide."""
    kept = len(table.HEADINGS) - 5
    return "\n".join("|".join(line.split("|")[: kept + 1]) for line in text.splitlines() if line.startswith("| `"))


REPORT = """ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'k' for 'sm_80'
ptxas info    : Function properties for k
    {stack} bytes stack frame, {stores} bytes spill stores, {loads} bytes spill loads
ptxas info    : Used 40 registers, used 1 barriers, {shared}404 bytes cmem[0]
"""


class TestTools:
    """What the tools read and reckon; this needs no compiler."""

    def test_a_report_of_ptxas(self) -> None:
        text = REPORT.format(stack=0, stores=0, loads=0, shared="1024 bytes smem, ")
        assert assemble.read_report(text) == assemble.Assembled(40, 1024, 0, 0)
        text = REPORT.format(stack=16, stores=8, loads=4, shared="")
        assert assemble.read_report(text) == assemble.Assembled(40, 0, 16, 12)
        with pytest.raises(ValueError, match="no kernel in the report"):
            assemble.read_report("ptxas info    : 0 bytes gmem")

    # Worked by hand from the limits: threads, registers (in fourths of a multiprocessor), shared memory, blocks.
    @pytest.mark.parametrize(
        ("registers", "shared", "threads", "capability", "blocks"),
        [
            (32, 0, 256, (8, 0), 8),
            (32, 0, 256, (7, 5), 4),
            (33, 0, 256, (8, 0), 6),
            (128, 0, 256, (8, 0), 2),
            (255, 0, 256, (8, 0), 1),
            (16, 0, 32, (7, 5), 16),
            (16, 0, 32, (9, 0), 32),
            (32, 33 * 1024, 128, (8, 0), 4),
            (32, 33 * 1024, 128, (9, 0), 6),
            (32, 33 * 1024, 128, (7, 5), 1),
        ],
    )
    def test_blocks_of_a_multiprocessor(
        self, registers: int, shared: int, threads: int, capability: assemble.Capability, blocks: int
    ) -> None:
        assert assemble.Assembled(registers, shared, 0, 0).blocks(threads, capability) == blocks

    def test_instructions(self) -> None:
        ptx = "\tfma.rn.f32 \t%f1, %f2;\n@%p1 st.global.v4.f32 [%rd1], {%f1};\n\t@!%p2 bra \t$L1;\n$L1:\n\tret;\n"
        assert assemble.instructions(ptx) == {"fma.rn.f32", "st.global.v4.f32"}

    def test_the_piece_of_code_that_counts(self) -> None:
        ptx = """.visible .entry k(.param .u64 p)
{
	ld.global.v4.f32 	{%f1}, [%rd1];
	ld.global.f64 	%fd1, [%rd2];
	@%p1 bra 	$L1;
	mov.f32 	%f1, %f2;
	fma.rn.f32 	%f1, %f2, %f3, %f4;
	fma.rn.f32 	%f1, %f2, %f3, %f4;
	add.s32 	%r1, %r2, %r3;
$L1:
	ld.global.u8 	%r1, [%rd1];
	shfl.sync.bfly.b32 	%r2|%p2, %r1, 1, 31, -1;
$L2:
	ld.global.v2.f64 	{%fd1}, [%rd1];
	@%p1 bra 	$L2;
	ld.global.v2.f64 	{%fd1}, [%rd1];
	ret;
}
"""
        # 16 + 8 before the branch, and 1 more up to the exchange: the branch forward may be a guard.
        assert roofline.body_of(ptx) == roofline.Body(bytes_in_flight=(24, 25), fused=2, issued=3)

    def test_the_two_roofs(self) -> None:
        assembled = assemble.Assembled(32, 0, 0, 0)
        body = roofline.Body(bytes_in_flight=(4, 16), fused=64, issued=80)
        memory = roofline.predicted_share(roofline.A100, 4, 8.0, 1.0, 256, assembled, body)
        # 2048 threads with 4 bytes each; wanted are 2039e9 / 108 * 500 / 1.41e9 = 6695 bytes.
        assert memory == ("memory", 1.0, 1.0)
        few = roofline.predicted_share(roofline.A100, 4, 8.0, 1.0, 256, assemble.Assembled(128, 0, 0, 0), body)
        assert few[1:] == (pytest.approx(2048 / 6695, rel=1e-3), 1.0)
        # The A100's pipe takes two cycles for a warp's multiply-add: 128 against 80 slots. The H100's takes one.
        assert roofline.predicted_share(roofline.A100, 4, 1.0, 1000.0, 256, assembled, body) == ("compute", 1.0, 1.0)
        assert roofline.predicted_share(roofline.H100, 4, 1.0, 1000.0, 256, assembled, body) == ("compute", 0.8, 0.8)

    def test_findings_name_what_is_wrong(self) -> None:
        row = {
            "kernel": "k",
            "dtype": "float32",
            "capability": [8, 0],
            "instructions": ["ld.local.f32", "add.f64"],
            "stack": 8,
            "spills": 4,
            "shared": 50_000,
            "threads": 256,
            "blocks": 1,
            "intended_blocks": 2,
            "registers": 255,
            "fma": True,
            "shuffle": True,
            "doubles": False,
        }
        assert len(findings([row])) == 7
        assert findings([{**row, "error": "refused"}]) == ["k float32 8.0: refused"]

    def test_the_page_has_a_place_for_the_table(self) -> None:
        page = table.PAGE.read_text()
        assert page.count(table.BEGIN) == page.count(table.END) == 1
        assert table.table_in(table.with_table(page, "new")) == "new"
        assert table.with_table(page, table.table_in(page)) == page
