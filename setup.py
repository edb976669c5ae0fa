"""The part of Frechet that is built: a condition in C before each compiled program. Without a compiler it stays Python."""

import numpy as np
from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "frechet.compilation._dispatch",
            ["frechet/compilation/_dispatch.c"],
            include_dirs=[np.get_include()],
            optional=True,
        )
    ]
)
