"""What programs say, entry by entry, of an array and its own transpose."""

from __future__ import annotations

import numpy as np
import pytest

import frechet as fr


@pytest.mark.parametrize("text", ["M.^2 + (M.^2)'", "M.*M'", "M.^2 + 3*(M.^2)'", "exp(M).*exp(M)'", "M.*M' - M'.^2"])
def test_squares_and_transposes_of_square_matrices(text: str) -> None:
    e = fr.parse(text, ["M: n×n"])
    m = np.random.default_rng(0).standard_normal((4, 4))
    assert np.allclose(fr.compile(e)(m), e.evaluate({"M": m}))
