"""tools/instructions: its file, its comparison and how it reads callgrind's profiles. CI runs the tool itself."""

import importlib.util
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parent.parent / "tools" / "instructions" / "count.py"
spec = importlib.util.spec_from_file_location("instruction_count", TOOL)
tool = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # dataclass looks for its module there
spec.loader.exec_module(tool)

VERSIONS = {"compiler": "gcc 12.2.0", "python": "3.11.2, the system's"}


def counts(**cells):
    return tool.Counts(VERSIONS, cells)


def profile(instructions):
    return f"events: Ir\nsummary: {instructions}\n\nfn=(1) main\n1 {instructions}\n\ntotals: {instructions}\n"


class TestFile:
    def test_round_trip(self):
        one = tool.Counts(VERSIONS, {"dense 1x64x64 f32": 5120, "softmax 1x10 f32": 12})
        assert tool.Counts.from_text(one.to_text()) == one
        assert tool.Counts.from_text(tool.Counts({}, {}).to_text()) == tool.Counts({}, {})

    def test_the_record_is_complete(self):
        record = tool.Counts.from_text(tool.RECORD.read_text())
        assert set(record.versions) == {"compiler", "python", "numpy", "libc"}
        assert len(record.cells) >= 10
        assert record.to_text() == tool.RECORD.read_text()

    @pytest.mark.parametrize("line", ["dense", "dense 1x64x64 f32", "12", "dense 1x2x3 f32 1.5", " dense 3"])
    def test_a_line_that_is_no_count(self, line):
        with pytest.raises(ValueError, match="neither a comment nor a cell and its count"):
            tool.Counts.from_text(line)


class TestComparison:
    def test_within_the_margin(self):
        assert tool.compare(counts(a=1000, b=1000), counts(a=1020, b=980)) == ([], [])

    def test_what_rose_is_wrong_and_what_fell_is_news(self):
        wrong, news = tool.compare(counts(a=1000, b=1000), counts(a=1021, b=979))
        assert wrong == ["a: 1000 -> 1021 instructions (+2.1%)"]
        assert news == ["b: 1000 -> 979 instructions (-2.1%)"]

    def test_other_cells_than_the_records(self):
        wrong, news = tool.compare(counts(a=1), counts(b=2))
        assert wrong == ["b: 2 instructions, not in counts.txt", "a: in counts.txt, not counted"]
        assert news == []

    def test_other_versions(self):
        assert tool.differences(counts(a=1), counts(a=2)) == []
        other = tool.Counts({"compiler": "clang 14", "python": VERSIONS["python"], "libc": "glibc 2.36"}, {})
        assert tool.differences(counts(a=1), other) == [
            "compiler is clang 14, in counts.txt gcc 12.2.0",
            "libc is glibc 2.36, in counts.txt None",
        ]


class TestProfiles:
    def test_what_surrounds_the_calls_does_not_count(self):
        profiles = [profile(n) for n in (9_000_000, 70 + 500 * 123, 70 + 1000 * 123)]
        assert tool.instructions_per_call(profiles, 500) == 123

    @pytest.mark.parametrize("profiles", [[], [profile(1)] * 2, [profile(1)] * 4, [profile(1), "", profile(1)]])
    def test_missing_profiles(self, profiles):
        with pytest.raises(ValueError, match="expected three profiles"):
            tool.instructions_per_call(profiles, 500)


class TestCommand:
    @pytest.mark.parametrize(
        ("recorded", "status", "sentence"),
        [
            (counts(a=1000), 0, "no count is more than 2% above counts.txt"),
            (counts(a=900), 1, "a: 900 -> 1000 instructions (+11.1%)"),
            (counts(a=1100), 0, "a: 1100 -> 1000 instructions (-9.1%)"),
            (tool.Counts({"compiler": "gcc 13"}, {"a": 900}), 0, "not comparable"),
        ],
    )
    def test_checking(self, recorded, status, sentence, monkeypatch, tmp_path, capsys):
        monkeypatch.setattr(tool, "count", lambda: counts(a=1000))
        monkeypatch.setattr(tool, "RECORD", tmp_path / "counts.txt")
        tool.RECORD.write_text(recorded.to_text())
        assert tool.main(["--check"]) == status
        assert sentence in capsys.readouterr().out
        assert tool.RECORD.read_text() == recorded.to_text()

    def test_writing(self, monkeypatch, tmp_path):
        monkeypatch.setattr(tool, "count", lambda: counts(a=1000))
        monkeypatch.setattr(tool, "RECORD", tmp_path / "counts.txt")
        assert tool.main(["--write"]) == 0
        assert tool.Counts.from_text(tool.RECORD.read_text()) == counts(a=1000)

    def test_without_valgrind(self, monkeypatch, capsys):
        monkeypatch.setenv("PATH", "")
        assert tool.main([]) == 1
        assert "valgrind is not installed: apt install valgrind" in capsys.readouterr().err
