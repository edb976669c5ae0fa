"""The reference page is made from the registry, is complete, and stands in docs/ as it is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from frechet.interfaces import reference

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"


def test_the_page_in_docs_is_the_one_that_is_made() -> None:
    made = reference.markdown()
    assert PAGE.read_text(encoding="utf-8") == made, "run: frechet operations --markdown > docs/operations.md"


@pytest.mark.parametrize("page", [page for _, page in reference.pages()], ids=lambda page: page.name)
def test_every_operation_states_everything(page: reference.Operation) -> None:
    row = reference.row(page)
    assert all(isinstance(value, (bool, list)) or value for value in row.values()), row


def test_families_have_titles() -> None:
    assert all(title for title, _ in reference.pages())
