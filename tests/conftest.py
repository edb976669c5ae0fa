"""Options and what is not collected."""

from __future__ import annotations

import pytest

collect_ignore = ["corpus"]  # the corpus and its judge, as they came


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--sweep", action="store_true", help="run the heavy sweeps over random expressions too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--sweep"):
        return
    for item in items:
        if item.get_closest_marker("sweep"):
            item.add_marker(pytest.mark.skip(reason="a heavy sweep: pytest --sweep"))
