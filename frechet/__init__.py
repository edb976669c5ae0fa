"""Frechet: derivatives with respect to matrices, in closed form, with the reason, checked."""

import frechet.operations  # noqa: F401  (the registry of operations is filled before anything else is used)
