"""What cancels in element-wise products must not change values, whatever is known of the signs."""

import numpy as np
import pytest

import frechet as fr

POINT = np.array([[0.5, -2.0, 3.0], [1.5, 0.25, -1.0]])


@pytest.mark.parametrize("domain", ["normal", "positive", "nonnegative"])
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("sign(Z).*Z.^2", lambda z: np.sign(z) * z**2),
        ("sign(Z).*abs(Z).^3", lambda z: np.sign(z) * np.abs(z) ** 3),
        ("sign(Z).*abs(Z)./Z", lambda z: np.ones_like(z)),
        ("abs(Z).^2.*Z", lambda z: z**3),
        ("abs(Z).*sign(Z).*sign(Z).*sign(Z)", lambda z: z),
    ],
)
def test_signs_and_moduli(text, value, domain):
    z = POINT if domain == "normal" else np.abs(POINT)
    Z = fr.matrix("Z", 2, 3) if domain == "normal" else fr.matrix("Z", 2, 3, domain)
    assert np.allclose(fr.parse(text, {"Z": Z}).evaluate({"Z": z}), value(z))


def test_the_sign_of_what_is_known_not_to_be_negative():
    # sign(Z)*Z^2 once became a matrix of ones: |Z| is Z itself here, and was taken apart as a modulus
    w = fr.vector("w", 3, "positive")
    Z = fr.ones(2, 3) @ fr.diag(w)
    at = np.array([1.0, 2.0, 3.0])
    assert np.allclose((fr.sign(Z) * Z**2).evaluate({"w": at}), np.ones((2, 1)) * at**2)
    assert fr.derivative(fr.normp(Z, 3), w).check().ok
