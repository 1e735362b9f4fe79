"""Prints the oldest NumPy that pyproject.toml allows, as a requirement: numpy==1.25.0."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
for requirement in project["dependencies"]:
    if match := re.fullmatch(r"numpy>=([0-9.]+)", requirement):
        version = match[1] if match[1].count(".") == 2 else f"{match[1]}.0"
        print(f"numpy=={version}")
