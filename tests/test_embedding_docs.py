"""The programs of docs/embedding.md are the files that tests/test_embed.py builds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = re.compile(r"<!-- (tests/embed/\S+) -->\n```\w+\n(.*?)```\n", re.DOTALL)
PROGRAMS = dict(PROGRAM.findall((ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")))


def test_every_program_is_in_the_docs() -> None:
    kinds = {".c", ".cpp", ".py", ".pyx", ".txt", ""}
    files = (path for path in (ROOT / "tests" / "embed").rglob("*") if path.is_file() and path.suffix in kinds)
    assert {path.relative_to(ROOT).as_posix() for path in files} == set(PROGRAMS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_docs_show_the_file_as_it_is(name: str) -> None:
    assert PROGRAMS[name] == (ROOT / name).read_text(encoding="utf-8")
