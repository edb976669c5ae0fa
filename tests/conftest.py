"""Options and what is not collected."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

collect_ignore = ["corpus"]  # the corpus and its judge, as they came


@pytest.fixture
def printed_alike() -> Callable[[str], str]:
    """What a program prints, which has to be the same under every hash seed."""

    def run(program: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
        command = [sys.executable, "-c", program]
        first, *others = (
            subprocess.run(
                command, env={**environment, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
            ).stdout
            for seed in ("0", "1", "7")
        )
        assert others == [first, first]
        return first

    return run


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--sweep", action="store_true", help="run the heavy sweeps over random expressions too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--sweep"):
        return
    for item in items:
        if item.get_closest_marker("sweep"):
            item.add_marker(pytest.mark.skip(reason="a heavy sweep: pytest --sweep"))
