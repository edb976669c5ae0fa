"""Functions to minimize: for SciPy (flat arrays), for pymanopt (manifolds), and stationary points in closed form."""
