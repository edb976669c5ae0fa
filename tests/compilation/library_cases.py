"""Scalar functions and points that the tests of the JAX and PyTorch back ends share."""

from __future__ import annotations

import numpy as np

import frechet as fr

PROBLEMS = {
    "factorization": ("norm2(T-U*V')^2", {}),
    "quadratic": ("x'*A*x", {}),
    "logistic": ("sum(softplus(X*w)) - y'*X*w + c*norm2(w)^2", {}),
    "logdet": ("logdet(B*B'+diag(exp(z)))", {}),
    "gaussian": ("logdet(S) + x'*inv(S)*x", {"S": "n×n spd"}),
    "solve": ("norm2(inv(A)*b)^2", {"A": "n×n"}),
    "network": ("sum(tanh(W*relu(V*x)))", {}),
    "kronecker": ("x'*kron(A,B)*x", {}),
    "scalars": ("a*exp(-b^2)/(1+a^2)", {}),
    "entry": ("x[2]*norm2(X[:,1])^2 + exp(X[1,2])", {}),
}
SIZES = {"n": 4, "m": 3, "p": 2, "k": 2, "q": 5}


def problem(name: str) -> tuple[fr.Expr, dict[str, np.ndarray]]:
    """A formula and an argument for each of its variables."""
    text, declared = PROBLEMS[name]
    g = fr.parse(text, declared)
    rng = np.random.default_rng(3)
    values = {}
    for n, v in fr.variables(g).items():
        shape = [d.size(SIZES | {s: 3 for s in d.names() if s not in SIZES}) for d in v.shape if str(d) != "1"]
        x = rng.normal(size=shape)
        values[n] = x @ x.T + np.eye(len(x)) if "spd" in v.params[1] else np.exp(x) if v.params[2] == "positive" else x
    return g, values
