"""A text that was made from another text, with the place in the other text that each of its characters comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from frechet.expressions.errors import FrechetError

E = TypeVar("E", bound=FrechetError)


class Translation(NamedTuple):
    """text: in the text notation; source: what was typed; places: of every character of text, half open, in source."""

    text: str
    source: str
    places: Sequence[tuple[int, int]]

    def placed(self, error: E) -> E:
        """The error, at the place in what was typed."""
        if error.position is not None and error.text == self.text:
            first = min(error.position, len(self.text))
            last = max(first, (first + 1 if error.end is None else error.end) - 1)
            found = self.places[first : last + 1]
            if found:
                error.position = min(start for start, _ in found)
                error.end = max(end for _, end in found)
            else:
                error.position = error.end = len(self.source)
            error.text = self.source
        return error


def untranslated(text: str) -> Translation:
    return Translation(text, text, [(i, i + 1) for i in range(len(text))])


def edited(t: Translation, changes: Sequence[tuple[int, int, str]]) -> Translation:
    """Parts of the text replaced; changes are (start, end, new text), in order and apart.

    >>> edited(untranslated("2*I*x"), [(2, 3, "eye")]).text
    '2*eye*x'
    """
    text, places, at = "", list[tuple[int, int]](), 0
    for start, end, new in changes:
        text += t.text[at:start] + new
        places += t.places[at:start]
        part = t.places[start:end]
        place = (min(a for a, _ in part), max(b for _, b in part)) if part else (start, start)
        places += [place] * len(new)
        at = end
    return Translation(text + t.text[at:], t.source, [*places, *t.places[at:]])
