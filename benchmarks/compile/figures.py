"""The figures measured, kept as JSON: tables are made of them again without measuring."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

PACKAGES = ("numpy", "scipy", "jax", "torch", "autograd")


class Figure(NamedTuple):
    """A contender of a cell: its seconds, and those of the expert in the same rounds; or why there are none."""

    seconds: float | None
    expert: float | None
    said: str = ""

    @property
    def ratio(self) -> float | None:
        return self.seconds / self.expert if self.seconds and self.expert else None


class Figures:
    """cell -> contender -> figure, and on which machine."""

    def __init__(self, cells: Mapping[str, Mapping[str, Figure]], machine: Mapping[str, str]) -> None:
        self.cells = {name: dict(row) for name, row in cells.items()}
        self.machine = dict(machine)

    @classmethod
    def read(cls, path: Path) -> Figures:
        """Those kept; none where there is no such file."""
        if not path.exists():
            return cls({}, {})
        kept: dict[str, Any] = json.loads(path.read_text())
        return cls({c: {k: Figure(*f) for k, f in row.items()} for c, row in kept["cells"].items()}, kept["machine"])

    def write(self, path: Path) -> None:
        rows = ",\n".join(f"    {json.dumps(c)}: {json.dumps(row)}" for c, row in sorted(self.cells.items()))
        path.write_text(f'{{\n  "machine": {json.dumps(self.machine)},\n  "cells": {{\n{rows}\n  }}\n}}\n')

    def enter(self, cell: str, row: Mapping[str, Figure]) -> None:
        self.cells.setdefault(cell, {}).update(row)


def this_machine() -> dict[str, str]:
    """What the figures depend on."""
    found = {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    found["processor"] = _processor()
    found["cores"] = str(os.cpu_count())
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())
