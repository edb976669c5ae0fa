"""Arrays of numbers as people write them: four significant digits, whole numbers exactly."""

from __future__ import annotations

from typing import Any

DIGITS = 4


def show_number(value: Any, notation: str = "unicode", zero: float = 0.0) -> str:
    """A number with at most four significant digits; whole numbers are exact.

    zero: what is smaller in size is rounding

    >>> show_number(-2.0), show_number(1 / 3), show_number(123456.0), show_number(2 - 1j), show_number(1.5e-7)
    ('−2', '0.3333', '123456', '2−i', '1.5·10⁻⁷')
    """
    import numpy as np

    if np.iscomplexobj(value):
        re, im = float(np.real(value)), float(np.imag(value))
        if abs(im) <= zero:
            return show_number(re, notation, zero)
        size = show_number(abs(im), notation, zero)
        unit = "i" if size == "1" else f"{size}i"
        sign = "-" if notation != "unicode" else "−"
        if abs(re) <= zero:
            return (sign if im < 0 else "") + unit
        return show_number(re, notation, zero) + (sign if im < 0 else "+") + unit
    x = float(value)
    if abs(x) <= zero:
        return "0"
    if abs(x - round(x)) <= max(zero, 1e-12 * abs(x)) and abs(x) < 1e15 and round(x):
        text = str(round(x))
    else:
        text = f"{x:.{DIGITS}g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        text = _power(mantissa, int(exponent), notation)
    return text.replace("-", "−") if notation == "unicode" else text


def _power(mantissa: str, exponent: int, notation: str) -> str:
    if notation == "text":
        return f"{mantissa}e{exponent}"
    if notation == "latex":
        return rf"{mantissa} \cdot 10^{{{exponent}}}"
    return f"{mantissa}·10{str(exponent).translate(str.maketrans('0123456789-', '⁰¹²³⁴⁵⁶⁷⁸⁹⁻'))}"


def show_entries(rows: Any, notation: str = "unicode") -> list[list[str]]:
    """The entries of a matrix; what is tiny beside the largest is rounding and shown as 0."""
    import numpy as np

    zero = 1e-12 * min(float(np.max(np.abs(rows), initial=0.0)), 1e6)
    return [[show_number(entry, notation, zero) for entry in row] for row in rows]


def show_array(value: Any, notation: str = "unicode") -> str:
    r"""An array as the text notation types it, vectors as columns; in LaTeX a bmatrix. The slices of a tensor are apart.

    >>> import numpy as np
    >>> show_array(np.array([[1, 2.0], [3, -4]])), show_array(np.array([1, 0.25])), show_array(3.0)
    ('[1 2; 3 −4]', '[1; 0.25]', '3')
    >>> print(show_array(np.eye(2), "latex"))
    \begin{bmatrix} 1 & 0 \\ 0 & 1 \end{bmatrix}
    """
    import numpy as np

    x = np.asarray(value)
    if x.ndim == 0:
        return show_number(x[()], notation)
    if x.ndim > 2:
        separator = ", " if notation != "latex" else r",\ "
        slices = [show_array(part, notation) for part in np.moveaxis(x, -1, 0)]
        return "(" + separator.join(slices) + ")"
    texts = show_entries(x.reshape(len(x), -1), notation)
    if notation == "latex":
        return r"\begin{bmatrix} " + r" \\ ".join(" & ".join(row) for row in texts) + r" \end{bmatrix}"
    return "[" + "; ".join(" ".join(row) for row in texts) + "]"
