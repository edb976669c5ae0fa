"""How each kind of step is written for NumPy: the parts of `frechet.compilation.emission`."""
