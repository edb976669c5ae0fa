"""Functions of several arrays for optimizers: SciPy on flat arrays, pymanopt on manifolds."""
