"""`fastnn growth`: which points are cliffs, on made-up times, its options and their errors, and one tiny real run."""

import itertools

import pytest
from machine import MACHINE

import fastnn
from fastnn import __main__ as command
from fastnn.bench import cases, growth, growth_cli, growth_plot, limits, measure
from fastnn.bench.growth import Walk

DENSE = Walk("dense", "f32", "B", 64, 1024, 1)
ROWS = Walk("softmax_backward", "f32", "B", 512, 4096, 1)


def timed(walk, seconds_of):
    """The points of a walk; seconds_of gets a case and its limit."""
    return [growth.point(case, seconds_of(case, limits.limit(case, MACHINE)[0]), MACHINE) for case in walk.cases()]


def cliffs(walk, seconds_of):
    """The growing sizes at which there is a cliff."""
    points = timed(walk, seconds_of)
    return [one.case.shape["BIO".index(walk.letter)] for _, _, one in growth.cliffs({walk: points})]


class TestWalks:
    def test_sizes_are_doubled_and_have_neighbours(self):
        assert growth.sizes(16) == [16, 32]
        assert growth.sizes(100) == [16, 32, 48, 64, 80]
        assert growth.sizes(4096)[-4:] == [2048, 2064, 4096, 4112]

    @pytest.mark.parametrize(
        ("letter", "shape", "label"),
        [
            ("B", (48, 8, 8), "dense f64, 2 threads: B grows, I = O = 8"),
            ("I", (8, 48, 8), "dense f64, 2 threads: I grows, B = O = 8"),
            ("O", (8, 8, 48), "dense f64, 2 threads: O grows, B = I = 8"),
        ],
    )
    def test_one_size_grows(self, letter, shape, label):
        walk = Walk("dense", "f64", letter, 8, 32, 2)
        assert walk.label == label
        assert walk.cases()[-1] == cases.Case("dense", shape, "f64")

    def test_every_size_of_every_operation_grows(self):
        every = growth.walks(["dense", "softmax"], ["f32", "f64"], [64, 512], 32, 1)
        assert len(every) == len(set(every)) == 2 * 2 * (3 + 2)
        assert {walk.letter for walk in every if walk.op == "softmax"} == {"B", "C"}

    def test_work(self):
        assert timed(DENSE, lambda case, limit: limit)[0].work == 2 * 16 * 64 * 64
        assert timed(ROWS, lambda case, limit: limit)[0].work == 16 * 512


class TestCliffs:
    @pytest.mark.parametrize("walk", [DENSE, ROWS])
    @pytest.mark.parametrize("share", [0.3, 0.9])
    def test_a_constant_share_of_the_limit_has_none(self, walk, share):
        assert cliffs(walk, lambda case, limit: limit / share) == []

    def test_the_cost_of_a_call_is_none(self):
        assert cliffs(DENSE, lambda case, limit: 1e-6 + case.flops / 80e9) == []

    def test_time_in_proportion_to_the_work_has_none(self):
        # Where the limit is mostly the call's cost, the share of it halves as the work doubles.
        walk = Walk("softmax", "f32", "B", 16, 64, 1)
        points = timed(walk, lambda case, limit: 1e-7 * case.shape[0])
        assert points[1].limit / points[1].seconds < points[0].limit / points[0].seconds / growth.CLIFF
        assert growth.cliffs({walk: points}) == []

    def test_one_slow_point(self):
        assert cliffs(DENSE, lambda case, limit: limit * (1.4 if case.shape[0] == 256 else 1)) == [256]
        assert cliffs(DENSE, lambda case, limit: limit * (1.2 if case.shape[0] == 256 else 1)) == []

    def test_all_powers_of_two_are_slow(self):
        slow = {128, 256, 512}
        assert set(cliffs(DENSE, lambda case, limit: limit * (1.5 if case.shape[0] in slow else 1))) == slow

    def test_a_step_that_stays(self):
        assert cliffs(DENSE, lambda case, limit: limit * (1.5 if case.shape[0] >= 256 else 1)) == [256]

    def test_the_highest_is_first(self):
        slow = {128: 1.5, 512: 2.0, 256: 1.7}
        assert cliffs(DENSE, lambda case, limit: limit * slow.get(case.shape[0], 1)) == [512, 256, 128]

    def test_a_slower_level_of_the_memory_explains_a_step(self):
        # 512 rows of 8192 elements are 50 MB: out of the L3, where 272 rows are in it.
        walk = Walk("softmax_backward", "f32", "B", 8192, 1024, 1)
        points = timed(walk, lambda case, limit: limit)
        steps = [after.per_work / before.per_work for before, after in itertools.pairwise(points)]
        assert max(steps) > growth.CLIFF
        assert growth.cliffs({walk: points}) == []

    def test_a_level_that_is_nearly_full_explains_it_too(self):
        def early(case, limit):
            """The times of a machine whose arrays leave each level when they fill three quarters of it."""
            smaller = [limits.Level(one.name, one.holds * 0.75, one.read, one.copy) for one in MACHINE.levels]
            return limits.limit(case, limits.Machine(1, MACHINE.fma, MACHINE.exp, smaller, 2e-7))[0]

        for other in range(64, 8192, 64):
            assert cliffs(Walk("softmax_backward", "f32", "B", other, 256, 1), early) == []

    def test_factors(self):
        points = timed(DENSE, lambda case, limit: limit * (1.5 if case.shape[0] == 1040 else 1))
        factors = growth.off_trend(points)
        assert factors[0] is None
        assert len(factors) == len(points)
        assert factors[-1] == pytest.approx(1.5, rel=0.02)
        assert growth.off_trend(points[:1]) == [None]


class TestTexts:
    def test_a_table(self):
        points = timed(DENSE, lambda case, limit: limit * (1.5 if case.shape[0] == 256 else 1))
        lines = growth_cli.to_lines(DENSE, points)
        assert lines[1] == "dense f32, 1 thread: B grows, I = O = 64"
        assert lines[2].split() == ["B", "us", "MFLOP", "ps/FLOP", "of", "limit", "off"]
        row = next(line.split() for line in lines if line.split()[:1] == ["256"])
        assert row[2] == f"{2 * 256 * 64 * 64 / 1e6:.4g}"
        assert row[4] == "67%"
        assert row[-1] == "cliff"
        assert len(lines) == 3 + len(points)

    def test_a_summary(self):
        points = timed(DENSE, lambda case, limit: limit * (1.5 if case.shape[0] == 256 else 1))
        lines = growth_cli.summary({DENSE: points})
        assert lines[1] == f"cliffs, 1 of {len(points)} points:"
        assert lines[2].endswith("x at dense 256x64x64 f32 (dense f32, 1 thread: B grows, I = O = 64)")
        flat = timed(DENSE, lambda case, limit: limit)
        assert growth_cli.summary({DENSE: flat})[1] == "no cliffs: no step is more than 1.3 x off the trend"
        assert growth_cli.summary({}) == []

    @pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
    def test_a_picture(self, ending, tmp_path):
        pytest.importorskip("matplotlib")
        path = tmp_path / f"growth.{ending}"
        walks = {
            walk: timed(walk, lambda case, limit: limit * (1.5 if case.shape[0] == 256 else 1))
            for walk in (DENSE, ROWS)
        }
        growth_plot.draw(walks, "a title", path)
        assert path.stat().st_size > 1000


class TestCommand:
    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["--op", "dnese"], "unknown op 'dnese'; did you mean 'dense'? (known: dense, packed_dense"),
            (["--dtype", "f16"], "unknown dtype 'f16'; did you mean 'f64'? (known: f32, f64)"),
            (["--threads", "0"], "threads must be between 1 and"),
            (["--most", "15"], "most must be between 16 and 65536, got '15'"),
            (["--others", "64,-1"], "others must be between 1 and 65536, got '-1'"),
            (["--rounds", "0"], "rounds must be between 1 and 1000, got '0'"),
            (["--plot", "growth.txt"], "--plot must be a file that ends in .png, .svg, .pdf, got 'growth.txt'"),
            (["--plot", "nowhere/p.png"], "the folder of 'nowhere/p.png' does not exist"),
        ],
    )
    def test_bad_options(self, arguments, sentence, capsys):
        assert command.main(["growth", *arguments]) == 2
        error = capsys.readouterr().err
        assert sentence in error
        assert error.count("\n") == 1

    def test_a_wrong_answer_ends_it(self, monkeypatch, capsys):
        monkeypatch.setattr(limits, "probe", lambda dtypes: MACHINE)
        monkeypatch.setattr(measure, "check", lambda case, entry, answer: "off by 3")
        assert command.main(["growth", "--op", "dense", "--most", "16"]) == 1
        assert capsys.readouterr().err == "fastnn: dense 16x64x64 f32 is wrong: off by 3\n"

    def test_ctrl_c_leaves_what_was_measured(self, monkeypatch, capsys):
        walks = iter([timed(Walk("softmax", "f32", "B", 64, 32, 1), lambda case, limit: limit)])

        def interrupted(walk, machine, rounds, seconds):
            points = next(walks, None)
            if points is None:
                raise KeyboardInterrupt
            return points

        monkeypatch.setattr(limits, "probe", lambda dtypes: MACHINE)
        monkeypatch.setattr(growth, "run", interrupted)
        assert command.main(["growth", "--op", "softmax", "--dtype", "f32", "--most", "32"]) == 130
        out = capsys.readouterr().out
        assert "softmax f32, 1 thread: B grows, C = 64" in out
        assert "interrupted" in out
        assert "no cliffs" in out

    def test_a_real_run(self, monkeypatch, tmp_path, capsys):
        pytest.importorskip("matplotlib")
        monkeypatch.setattr(growth_cli, "SAMPLE_SECONDS", 1e-5)
        path = tmp_path / "p.png"
        threads = fastnn.get_num_threads()
        options = ["--op", "dense,softmax", "--dtype", "f64", "--others", "8", "--most", "16", "--rounds", "1"]
        assert command.main(["growth", *options, "--plot", str(path)]) == 0
        assert fastnn.get_num_threads() == threads
        out = capsys.readouterr().out
        for title in (
            "dense f64, 1 thread: B grows, I = O = 8",
            "dense f64, 1 thread: O grows, B = I = 8",
            "softmax f64, 1 thread: C grows, B = 8",
        ):
            assert title in out
        assert out.count("ps/FLOP") == 3
        assert out.count("ps/elem") == 2
        assert "cliffs" in out.splitlines()[-1] or " x at " in out.splitlines()[-1]
        assert path.stat().st_size > 1000
