"""What the page says of derivatives by a complex variable: the gradient under Re tr(Gᴴ dZ), ∂g/∂Z and ∂g/∂conj(Z).

Source of the conventions of libraries: the documentation of jax.grad and of torch.autograd, "Complex numbers".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from frechet.expressions.dimension import SCALAR
from frechet.expressions.errors import UnsupportedError
from frechet.interfaces.answer import Answer, answer

if TYPE_CHECKING:
    from frechet.interfaces.page import Page

LIBRARIES = "PyTorch's .grad returns this ∇{g}; jax.grad returns its conjugate"


def answers(page: Page) -> list[Answer]:
    """The derivatives that exist: the gradient of a real function, ∂g/∂Z, and ∂g/∂conj(Z) where it is not 0."""
    form = "gradient" if SCALAR in (page.function.shape, page.variable.shape) else "jacobian"

    def by(convention: str | None) -> Answer:
        return answer(page.function, page.variable, form, 1, page.check, convention=convention)

    if page.convention is not None:
        return [by(page.convention)]
    try:
        return [by(None)]
    except UnsupportedError as error:
        if "holomorphic" not in error.message:
            raise
        return [by("wirtinger"), by("wirtinger-conj")]


def lines(page: Page, found: list[Answer]) -> list[str]:
    """The lines between the differential and the linearization."""
    scalar = page.function.shape == SCALAR
    entries = []
    for a in found:
        convention = (
            a.derivative.convention if a.derivative.asked is None and scalar else a.derivative.asked or "holomorphic"
        )
        by = page.symbol("∂̄" if convention == "wirtinger-conj" else "∂")
        shown = page.show(a.expression)
        if scalar and convention == "riesz":
            entries.append(
                page.entry("gradient", f"{page.symbol('∇')} = {shown}", f"as {page.name}: {page.symbol('riesz')}")
            )
            if "hermitian" in page.variable.params[1]:
                continue
            for name in ("wirtinger", "wirtinger-conj"):
                part = page.symbol("∂̄" if name == "wirtinger-conj" else "∂")
                remark = "with the conjugate fixed (Wirtinger)" if name == "wirtinger" else "half the gradient"
                entries.append(page.entry("", f"{part} = {page.show(a.derivative.wirtinger(name))}", remark))
            entries.append(page.entry("libraries", LIBRARIES.format(g=page.letter), ""))
        elif scalar:
            action = {
                "wirtinger": "the part that is linear in d{x}",
                "wirtinger-conj": "the part that is linear in its conjugate",
            }
            remark = action.get(convention, "{g} is holomorphic: " + page.symbol("holomorphic"))
            entries.append(page.entry("derivative", f"{by} = {shown}", remark.format(g=page.letter, x=page.name)))
        else:
            held = {"wirtinger": "with the conjugate fixed", "wirtinger-conj": "with {x} fixed"}
            words = held.get(convention, "{g} is holomorphic").format(g=page.letter, x=page.name)
            entries.append(page.entry("Jacobian", f"{by} = {shown}", words))
    return entries
