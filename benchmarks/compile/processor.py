"""One thread for every library, and all instructions of the processor: to be told before NumPy or JAX is imported."""

from __future__ import annotations

import os

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
# some machines tell OpenBLAS of an older processor, and not JAX and PyTorch
OLDER = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def prepare() -> None:
    """Sets what the libraries read from the environment."""
    os.environ |= dict.fromkeys(THREADS, "1")
    for name in OLDER:
        os.environ.pop(name, None)
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ["JAX_PLATFORMS"] = "cpu"
