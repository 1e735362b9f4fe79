"""The benchmark suite: its rules, its options and their errors, its files, and one real run."""

import io
import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from machine import MACHINE

import fastnn
from fastnn import __main__ as command, _fastnn
from fastnn.bench import cases, compare, limits, measure, plot, report, rivals, runner, worker
from fastnn.bench.cases import Case
from fastnn.bench.growth import OPERATIONS
from fastnn.bench.results import Board, Result, geometric_mean, summary
from fastnn.bench.rivals import ours


def result(op="softmax", shape=(2, 3), dtype="f32", threads=1, ours=1e-6, rival=2e-6, limit=0.5e-6):
    samples = {"fastnn": [ours * 1.1, ours, ours * 1.2]}
    if rival is not None:
        samples["numpy"] = [rival, rival * 1.5]
        samples["torch"] = [rival * 3]
    return Result(Case(op, shape, dtype), threads, samples, {}, limit, "exp")


def board(*results, complete=True):
    return Board(
        {"cpu": "a cpu", "isa": "avx2", "date": "a day"},
        {"fastnn": "1"},
        {},
        [MACHINE.to_json()],
        list(results),
        complete,
    )


class TestLimit:
    def test_products_are_bound_by_fma(self):
        seconds, bound = limits.limit(Case("dense", (512, 512, 512), "f64"), MACHINE)
        assert bound == "fma"
        assert seconds == pytest.approx(2 * 512**3 / 50e9 + 0.3e-6)

    def test_one_row_is_bound_by_the_level_that_holds_the_weights(self):
        seconds, bound = limits.limit(Case("dense", (1, 784, 128), "f32"), MACHINE)
        assert bound == "L2"
        assert seconds == pytest.approx(4 * (784 + 784 * 128 + 128 + 128) / 100e9 + 0.3e-6)
        assert limits.limit(Case("dense", (1, 4096, 4096), "f32"), MACHINE)[1] == "DRAM"

    def test_a_softmax_is_bound_by_exp_or_by_copying(self):
        assert limits.limit(Case("softmax", (1024, 10), "f32"), MACHINE)[1] == "exp"
        seconds, bound = limits.limit(Case("softmax", (4096, 4096), "f32"), MACHINE)
        assert bound == "DRAM"
        assert seconds == pytest.approx(2 * 4 * 4096**2 / 30e9 + 0.3e-6)

    def test_a_tiny_cell_is_bound_by_the_call(self):
        seconds, bound = limits.limit(Case("softmax", (1, 10), "f32"), MACHINE)
        assert bound == "call"
        assert 0.3e-6 < seconds < 0.31e-6

    def test_machine_round_trip(self):
        assert limits.Machine.from_json(json.loads(json.dumps(MACHINE.to_json()))) == MACHINE


class TestProbes:
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_rates_are_positive(self, dtype):
        for rate in (_fastnn.probe_fma(dtype), _fastnn.probe_exp(dtype)):
            assert 1e6 < rate < 1e15

    @pytest.mark.parametrize("size", [1024, 5000, 1 << 20])
    def test_bandwidths_are_positive(self, size):
        for rate in (_fastnn.probe_read(size), _fastnn.probe_copy(size, False), _fastnn.probe_copy(size, True)):
            assert 1e6 < rate < 1e15

    def test_bad_arguments(self):
        with pytest.raises(ValueError, match="dtype must be 'float32' or 'float64', got 'int8'"):
            _fastnn.probe_fma("int8")
        for size in (0, 1023, 2**36 + 1, -5):
            with pytest.raises(ValueError, match=f"bytes must be between 1024 and .*, got {size}"):
                _fastnn.probe_read(size)

    def test_cache_sizes(self):
        sizes = limits.cache_sizes()
        assert sizes["L1"] < sizes["L2"] <= sizes["L3"]


class TestCases:
    def test_all(self):
        every = cases.all_cases()
        assert len(every) == 2 * (3 * 18 + 4 * 8 + 6 + 8) + 1
        assert len(set(every)) == len(every)

    @pytest.mark.parametrize("op", OPERATIONS)
    @pytest.mark.parametrize("dtype", ["f32", "f64"])
    def test_costs_match_the_arrays(self, op, dtype):
        case = Case(op, (5, 7, 9)[: len(cases.OPS[op].shapes[0])], dtype)
        arrays = case.arrays()
        assert case.reads == sum(array.nbytes for array in arrays.values())
        answer = [array for array in case.answer(arrays) if array.ndim > 0]  # the loss is not counted
        assert case.writes == sum(array.size for array in answer) * np.dtype(cases.DTYPES[dtype]).itemsize

    @pytest.mark.parametrize("text", ["", "3", "3x", "0x3", "axb", "1x2x3x0", "3x-1"])
    def test_bad_shapes(self, text):
        with pytest.raises(
            ValueError, match="shape must be BxIxO, BxC or B and the sizes of a network's layers, such as"
        ):
            cases.parse_shape(text)

    def test_shapes(self):
        assert cases.parse_shape(" 32X784x128") == (32, 784, 128)
        assert cases.parse_shape("4x10") == (4, 10)
        assert cases.parse_shape("1x64x64x64x64") == (1, 64, 64, 64, 64)


class TestMeasuring:
    def test_rounds_are_interleaved(self):
        order = []
        entries = {name: measure.Entry(lambda name=name: order.append(name), lambda _: ()) for name in "ab"}
        samples = measure.measure(entries, 3, 0.0, lambda: order.append("rest"))
        assert {name: len(values) for name, values in samples.items()} == {"a": 3, "b": 3}
        assert order[2:] == ["rest", "a", "a", "rest", "b", "b"] * 3  # a warm-up and a sample each

    def test_a_wrong_answer_is_told(self):
        case = Case("softmax", (3, 4), "f32")
        arrays = case.arrays()
        answer = case.answer(arrays)
        assert measure.check(case, rivals.load("numpy").entries(case, arrays, 1)[0], answer) is None
        for wrong, why in [
            ((answer[0] * 1.001,), "off by"),
            ((answer[0] * np.nan,), "off by nan"),
            ((answer[0][:2],), "shape"),
            ((), "0 results instead of 1"),
        ]:
            problem = measure.check(case, measure.Entry(lambda: None, lambda _, wrong=wrong: wrong), answer)
            assert problem is not None
            assert why in problem

    @pytest.mark.parametrize("op", OPERATIONS)
    @pytest.mark.parametrize("dtype", ["f32", "f64"])
    @pytest.mark.parametrize("library", ["fastnn", "numpy"])
    def test_answers(self, op, dtype, library):
        case = Case(op, (5, 7, 9)[: len(cases.OPS[op].shapes[0])], dtype)
        arrays = case.arrays()
        forms = [ours.entry(case, arrays)] if library == "fastnn" else rivals.load(library).entries(case, arrays, 1)
        assert forms or op == "packed_dense"
        for form in forms:
            assert measure.check(case, form, case.answer(arrays)) is None


class TestResults:
    def test_won_and_lost(self):
        assert result().is_won
        assert result().best_rival == "numpy"
        assert result().ratio == pytest.approx(2)
        assert not result(rival=0.9e-6).is_won
        assert result(rival=0.9e-6, limit=0.95e-6).is_won  # within a tenth of the limit
        assert not result(rival=None).is_won
        assert result(rival=None).ratio is None

    def test_geometric_mean(self):
        assert geometric_mean([1, 4]) == pytest.approx(2)
        assert math.isnan(geometric_mean([]))

    def test_summary(self):
        lines = summary([result(), result(rival=0.5e-6), result(dtype="f64")])
        assert lines[0] == "f32, 1 thread: 1 won, 1 lost, geometric mean 1.00"
        assert lines[1] == "f64, 1 thread: 1 won, 0 lost, geometric mean 2.00"
        assert lines[2].startswith("worst: softmax 2x3 f32, 1 thread: 0.50 of numpy, 50% of the limit (exp)")

    def test_json_round_trip(self, tmp_path):
        one = board(result(), result(rival=None))
        one.save(tmp_path / "b.json")
        assert Board.load(tmp_path / "b.json") == one

    @pytest.mark.parametrize("text", ["", "{}", "[]", '{"results": 3}', '{"results": [{}]}'])
    def test_files_that_are_no_boards(self, text, tmp_path):
        path = tmp_path / "b.json"
        path.write_text(text)
        with pytest.raises(ValueError, match="is not a file that"):
            Board.load(path)

    def test_texts(self):
        text = report.to_markdown(board(result(), result(rival=0.5e-6), complete=False))
        assert "| softmax 2x3 f32 | 1 | 1 | 1.1 | numpy | 2 | 2.00 | exp | 50% | won |" in text
        assert "LOST" in text
        assert "- interrupted" in text
        lines = report.to_csv(board(result())).splitlines()
        assert len(lines) == 4
        assert lines[1] == "softmax,2x3,f32,1,fastnn,1e-06,1.1e-06,5e-07,exp"

    def test_comparing(self):
        old, new = board(result(ours=1e-6), result(dtype="f64", ours=1e-6)), board(result(ours=3e-6), result(threads=2))
        changes = compare.compare(old, new)
        assert [change.verdict for change in changes] == ["slower"]
        assert compare.to_lines(changes)[0].startswith("slower   0.33x")
        assert [change.verdict for change in compare.compare(old, old)] == ["same", "same"]
        assert compare.compare(new, old)[0].verdict == "faster"

    @pytest.mark.parametrize("ending", ["png", "svg"])
    def test_plot(self, ending, tmp_path):
        path = tmp_path / f"plot.{ending}"
        plot.draw(board(result(), result("dense", (1, 2, 3)), result("dense", (1, 2, 3), "f64", rival=1e-7)), path)
        assert path.stat().st_size > 1000
        with pytest.raises(ValueError, match="nothing to draw"):
            plot.draw(board(), path)


class TestCommand:
    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["--op", "dnese"], "unknown op 'dnese'; did you mean 'dense'? (known: dense, packed_dense"),
            (["--rivals", "tensorflow"], "unknown rival 'tensorflow' (known: numpy, torch, onnxruntime"),
            (["--dtype", "f16"], "unknown dtype 'f16'; did you mean 'f64'? (known: f32, f64)"),
            (["--shape", "3by4"], "such as 32x784x128, 1024x10 or 32x784x128x10, got '3by4'"),
            (["--op", "softmax", "--shape", "3x4x5"], "shape 3x4x5 fits none of the operations (softmax takes BxC)"),
            (["--threads", "0"], "threads must be between 1 and"),
            (["--threads", "x"], "got 'x'"),
            (["--rounds", "0"], "rounds must be at least 1, got 0"),
            (["--format", "pdf"], "unknown format 'pdf'"),
            (["--output", "board.txt"], "--output must be a file that ends in .json, .md, .csv, got 'board.txt'"),
            (["--plot", "nowhere/p.png"], "the folder of 'nowhere/p.png' does not exist"),
            (["--compare", "a.json", "b.json"], "a.json"),
        ],
    )
    def test_bad_options(self, arguments, sentence, capsys):
        assert command.main(["bench", *arguments]) == 2
        error = capsys.readouterr().err
        assert sentence in error
        assert error.count("\n") == 1

    def test_ctrl_c_leaves_what_was_measured(self, monkeypatch, tmp_path, capsys):
        def interrupted(plan, board, on_cell):
            on_cell("a cell", 0)
            board.results.append(result())
            raise KeyboardInterrupt

        monkeypatch.setattr(runner, "run", interrupted)
        path = tmp_path / "b.json"
        assert command.main(["bench", "--output", str(path)]) == 130
        out = capsys.readouterr().out
        assert "softmax 2x3 f32" in out
        assert "interrupted" in out
        assert len(Board.load(path).results) == 1
        assert not Board.load(path).complete

    def test_a_missing_library_is_named(self, monkeypatch):
        def missing(name):
            raise ImportError(f"No module named {name!r}")

        monkeypatch.setattr(rivals, "load", missing)
        lines = io.StringIO()
        threads = fastnn.get_num_threads()
        request = {"rivals": ["jax"], "cases": [], "seconds": 1e-4, "rounds": 1}
        try:
            worker.serve(request, 1, lines)
        finally:
            fastnn.set_num_threads(threads)
        hello = json.loads(lines.getvalue().splitlines()[0])["hello"]
        assert hello["absent"] == {"jax": "No module named 'jax'"}
        assert "absent: jax" in "\n".join(report.notes(Board(absent=hello["absent"])))

    def test_a_wrong_rival_is_told_and_not_timed(self, monkeypatch):
        class Wrong:
            VERSION = "0"

            @staticmethod
            def set_threads(n):
                pass

            @staticmethod
            def entries(case, arrays, threads):
                return [measure.Entry(lambda: None, lambda _: (np.zeros(case.shape),))]

        monkeypatch.setattr(rivals, "load", lambda name: Wrong)
        lines = io.StringIO()
        threads = fastnn.get_num_threads()
        request = {
            "rivals": ["numpy"],
            "cases": [{"op": "softmax", "shape": [3, 4], "dtype": "f32"}],
            "seconds": 1e-4,
            "rounds": 2,
        }
        try:
            worker.serve(request, 1, lines)
        finally:
            fastnn.set_num_threads(threads)
        got = Result.from_json(json.loads(lines.getvalue().splitlines()[-1])["result"])
        assert list(got.samples) == ["fastnn"]
        assert "off by" in got.wrong["numpy"]
        assert "wrong answer: numpy, softmax 3x4 f32" in "\n".join(report.notes(board(got)))

    def test_a_worker_that_dies_is_told(self, monkeypatch):
        monkeypatch.setenv("FASTNN_ISA", "no such set")
        with pytest.raises(RuntimeError, match=r"the worker for 1 threads ended with status 1: [\s\S]*FASTNN_ISA"):
            runner.run(runner.Plan([Case("softmax", (1, 2), "f32")], [1], []), Board(), lambda label, done: None)

    def test_a_real_run(self, tmp_path):
        path = tmp_path / "b.json"
        arguments = ["--quick", "--op", "dense,softmax", "--shape", "2x3x4,5x6", "--threads", "1", "--rivals", "numpy"]
        done = subprocess.run(
            [sys.executable, "-m", "fastnn", "bench", *arguments, "--output", str(path)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "OPENBLAS_CORETYPE": "Haswell"},
        )
        assert "dense 2x3x4 f32" in done.stdout
        assert "geometric mean" in done.stdout
        got = Board.load(path)
        assert got.complete
        assert [(r.case.op, r.case.dtype) for r in got.results] == [
            (op, dtype) for dtype in ("f32", "f64") for op in ("dense", "softmax")
        ]
        for one in got.results:
            assert not one.wrong
            assert set(one.samples) == {"fastnn", "numpy"}
            assert all(len(samples) == 5 and min(samples) > 0 for samples in one.samples.values())
