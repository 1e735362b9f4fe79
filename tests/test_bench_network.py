"""The benchmark's cells of whole networks: their data, answers, costs and limits, every rival that is installed."""

import argparse
import importlib.util
import itertools
import json
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from machine import MACHINE

from fastnn import __main__ as command
from fastnn.bench import cases, cli, limits, measure, network_cases, report, rivals
from fastnn.bench.cases import Case
from fastnn.bench.results import Board, Result
from fastnn.bench.rivals import ours, ours_network

PREDICT = Case("predict", (5, 12, 9, 6), "f32")
STEP = Case("train_step", (4, 12, 9, 8, 6), "f32")
# 202 batches of 4 rows and one of 2.
EPOCH = Case("epoch", (4, 100, 32, 5), "f32", 810)


def parameters(sizes):
    return sum((inputs + 1) * outputs for inputs, outputs in itertools.pairwise(sizes))


def run_bench(folder, *arguments):
    """The board of a quick run on one thread."""
    path = folder / "b.json"
    options = ["--quick", "--rounds", "1", "--threads", "1", "--output", str(path), *arguments]
    subprocess.run([sys.executable, "-m", "fastnn", "bench", *options], capture_output=True, check=True)
    got = Board.load(path)
    assert got.complete
    return got


class TestCases:
    @pytest.mark.parametrize("dtype", ["f32", "f64"])
    def test_the_cost_of_predicting_matches_the_arrays(self, dtype):
        case = Case("predict", PREDICT.shape, dtype)
        arrays = case.arrays()
        assert case.reads == sum(array.nbytes for array in arrays.values())
        assert case.writes == case.answer(arrays)[0].size * np.dtype(cases.DTYPES[dtype]).itemsize
        assert case.flops == 2 * 5 * (12 * 9 + 9 * 6)
        assert case.cost.exps == 5 * 6

    def test_the_cost_of_a_step(self):
        cost = STEP.cost
        states = 3 * 4 * parameters(STEP.shape[1:])
        assert cost.writes == states
        assert cost.reads == states + 4 * (4 * 12 + 8)
        assert cost.kept == cost.reads  # the states take their own place again
        # The first layer needs two products, the others three.
        assert cost.flops == 2 * 4 * (2 * 12 * 9 + 3 * (9 * 8 + 8 * 6))
        assert cost.calls == pytest.approx(1 / network_cases.batches(4))

    def test_an_epoch_is_as_many_steps(self):
        step, epoch = Case("train_step", EPOCH.shape, "f32").cost, EPOCH.cost
        assert epoch.flops == pytest.approx(step.flops * 810 / 4)
        assert epoch.reads + epoch.writes == pytest.approx((step.reads + step.writes) * 810 / 4)
        assert epoch.kept == step.kept
        assert epoch.calls == 1
        assert Case("epoch", EPOCH.shape, "f32").flops == pytest.approx(step.flops * 60000 / 4)

    def test_limits(self):
        case = Case("train_step", (1, 784, 128, 10), "f32")
        states = 2 * 3 * 4 * parameters((784, 128, 10))
        seconds, bound = limits.limit(case, MACHINE)
        assert bound == "L3"  # 1.2 MB, more than the made-up machine's L2
        assert seconds == pytest.approx((states + 4 * 784 + 8) / 60e9 + 0.3e-6 / 64)
        assert limits.limit(Case("train_step", (128, 784, 128, 10), "f32"), MACHINE)[1] == "fma"
        assert limits.limit(Case("predict", (1, 64, 64, 64, 64), "f32"), MACHINE)[1] == "L2"
        assert limits.limit(Case("epoch", (32, 784, 128, 10), "f32"), MACHINE)[0] > 0.2

    @pytest.mark.parametrize(("batch", "count"), [(1, 64), (32, 64), (128, 64), (1024, 8), (4096, 8)])
    def test_batches(self, batch, count):
        assert network_cases.batches(batch) == count

    def test_the_rows_of_an_epoch(self):
        arrays = EPOCH.arrays()
        assert arrays["x"].shape == (810, 100)
        assert arrays["y"].shape == (810,)
        assert set(arrays["y"]) == set(range(5))
        np.testing.assert_array_equal(arrays["x"], EPOCH.arrays()["x"])

    def test_the_epoch_is_like_mnist(self):
        arrays = Case("epoch", (32, 784, 128, 10), "f32", 2000).arrays()
        x = arrays["x"]
        assert x.dtype == np.float32
        assert x.min() == 0
        assert x.max() == 1
        assert 0.15 < np.count_nonzero(x) / x.size < 0.21
        grey = x * np.float32(255)
        np.testing.assert_allclose(grey, np.round(grey), atol=1e-4)

    def test_labels(self):
        assert EPOCH.label == "epoch 4x100x32x5 of 810 rows f32"
        assert Case("epoch", (32, 784, 128, 10), "f32").label == "epoch 32x784x128x10 f32"

    def test_the_board(self):
        board = cases.all_cases(["predict", "train_step", "epoch"])
        assert Case("predict", (1024, 784, 128, 10), "f64") in board
        assert Case("train_step", (128, 64, 64, 64, 64), "f32") in board
        assert [case.dtype for case in board if case.op == "epoch"] == ["f32"]
        assert cases.all_cases(["epoch"], None, ["f64"]) == [Case("epoch", (32, 784, 128, 10), "f64")]

    def test_shapes_go_to_the_operations_that_take_them(self):
        got = cases.all_cases(["dense", "predict"], [(2, 3, 4), (2, 3, 4, 5)], ["f32"])
        assert [(case.op, len(case.shape)) for case in got] == [("dense", 3), ("predict", 4)]
        with pytest.raises(ValueError, match=r"shape 2x3x4 fits none of the operations \(predict takes BxIxHx...xC\)"):
            cases.all_cases(["predict"], [(2, 3, 4)])


class TestAnswers:
    @pytest.mark.parametrize("library", ["fastnn", "numpy"])
    @pytest.mark.parametrize("case", [PREDICT, STEP, EPOCH], ids=lambda case: case.op)
    @pytest.mark.parametrize("dtype", ["f32", "f64"])
    def test_answers(self, library, case, dtype):
        case = replace(case, dtype=dtype)
        arrays = case.arrays()
        answer = case.answer(arrays)
        entry = ours.entry(case, arrays) if library == "fastnn" else rivals.load(library).entries(case, arrays, 1)[0]
        assert measure.check(case, entry, answer) is None
        # Whatever was timed in between, the check starts from the initial weights.
        assert measure.check(case, entry, answer) is None

    @pytest.mark.slow
    @pytest.mark.parametrize("library", [name for name in rivals.DEFAULT if name != "numpy"])
    def test_every_rival_that_is_installed(self, library, tmp_path):
        # In a process of its own: some libraries leave warnings or settings behind.
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{library} is not installed")
        got = run_bench(tmp_path, "--op", "predict,train_step,epoch", "--shape", "32x64x64x48x5", "--rivals", library)
        if library in got.absent:
            pytest.skip(got.absent[library])
        only_predicts = library in ("onnxruntime", "openvino")
        for result in got.results:
            assert not result.wrong
            offered = (result.case.op == "predict" or not only_predicts) and (
                library != "openvino" or result.case.dtype == "f32"
            )
            assert (library in result.samples) == offered

    def test_the_answer_is_what_finite_differences_give(self):
        arrays = Case("train_step", (4, 3, 5, 3), "f64").arrays()
        x, y = arrays["x"][:4], arrays["y"][:4]
        now = network_cases.weights(arrays)
        few = {**arrays, "x": x, "y": y}
        h = 1e-6
        for index, gradient in enumerate(network_cases._gradients(x, y, now)):
            for place in np.ndindex(gradient.shape):
                sides = []
                for step in (h, -h):
                    moved = [array.copy() for array in now]
                    moved[index][place] += step
                    sides.append(float(network_cases.loss(few, moved)))
                assert gradient[place] == pytest.approx((sides[0] - sides[1]) / (2 * h), abs=1e-7)

    def test_timed_steps_leave_the_weights_as_they_are(self):
        arrays = STEP.arrays()
        entry = ours.entry(STEP, arrays)
        assert entry.units == network_cases.batches(4)
        before = entry.outputs(entry.call())
        for _ in range(20):
            entry.call()
        for one, other in zip(before, entry.outputs(None), strict=True):
            np.testing.assert_array_equal(one, other)

    def test_timed_steps_change_no_weight_of_float32(self):
        learner = ours_network._Learner(STEP, STEP.arrays())
        learner.restart(network_cases.IDLE_RATE)
        for _ in range(20):
            learner.steps()
        assert learner._model.optimizer.iterations == 20 * network_cases.batches(4)
        for change in network_cases.way(STEP.arrays(), learner.weights()):
            assert np.abs(change).max() < 1e-8

    def test_wrong_steps_are_told(self):
        arrays = STEP.arrays()
        answer = STEP.answer(arrays)
        backwards = {**arrays, "x": arrays["x"][::-1].copy(), "y": arrays["y"][::-1].copy()}
        problem = measure.check(STEP, ours.entry(STEP, backwards), answer)
        assert problem is not None
        assert "of their way, allowed are 0.02" in problem
        for wrong in (tuple(a * np.nan for a in answer), tuple(a * 1.05 for a in answer)):
            entry = measure.Entry(lambda: None, lambda _, wrong=wrong: wrong)
            assert "of their way" in measure.check(STEP, entry, answer)

    @pytest.mark.parametrize("loss", [math.nan, math.inf, 1.0])
    def test_an_epoch_that_learns_nothing_is_told(self, loss):
        entry = measure.Entry(lambda: None, lambda _: (np.asarray(loss),))
        problem = measure.check(EPOCH, entry, (np.asarray(1.9),))
        assert problem == f"the loss after the epoch is {loss:.3g}, which is not half of the 1.9 before it"

    def test_a_sample_is_the_time_of_a_unit(self, monkeypatch):
        clock = iter((10.0, 16.0))
        monkeypatch.setattr(measure.time, "perf_counter", lambda: next(clock))
        entry = measure.Entry(lambda: None, lambda _: (), units=3)
        assert measure.sample(entry, 2) == 1.0


class TestCommand:
    def plan(self, *arguments):
        parser = argparse.ArgumentParser()
        cli.add_command(parser.add_subparsers())
        return cli.make_plan(parser.parse_args(["bench", "--threads", "1", *arguments]))

    def test_quick_epochs_have_fewer_rows(self):
        board = self.plan("--quick", "--op", "predict,epoch").cases
        assert Case("epoch", (32, 784, 128, 10), "f32", 6000) in board
        assert all(case.rows == 0 for case in board if case.op != "epoch")
        shaped = self.plan("--quick", "--op", "epoch", "--shape", "8x784x32x10", "--dtype", "f32").cases
        assert shaped == [Case("epoch", (8, 784, 32, 10), "f32", 6000)]
        assert self.plan("--op", "epoch").cases == [Case("epoch", (32, 784, 128, 10), "f32")]

    def test_default_rivals(self):
        assert {"sklearn", "keras"} < set(self.plan("--op", "epoch").rivals)

    def test_growth_has_no_networks(self, capsys):
        assert command.main(["growth", "--op", "predict"]) == 2
        assert "unknown op 'predict' (known: dense, packed_dense" in capsys.readouterr().err

    def test_rows_stay_with_the_result(self, tmp_path):
        one = Result(EPOCH, 1, {"fastnn": [1.0]}, {}, 0.5, "fma")
        board = Board(results=[one])
        board.save(tmp_path / "b.json")
        assert Board.load(tmp_path / "b.json").results[0].case == EPOCH
        assert report.to_csv(board).splitlines()[1].startswith("epoch,4x100x32x5 of 810 rows,f32,1,fastnn,1,1,")
        old = json.loads(board.to_text())
        del old["results"][0]["case"]["rows"]
        assert Result.from_json(old["results"][0]).case == Case("epoch", EPOCH.shape, "f32")

    def test_a_real_run(self, tmp_path):
        got = run_bench(tmp_path, "--op", "predict,train_step", "--shape", "2x6x5x4", "--rivals", "numpy")
        assert [(one.case.op, one.case.dtype) for one in got.results] == [
            (op, dtype) for dtype in ("f32", "f64") for op in ("predict", "train_step")
        ]
        for one in got.results:
            assert not one.wrong
            assert set(one.samples) == {"fastnn", "numpy"}
