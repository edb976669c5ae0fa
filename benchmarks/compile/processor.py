"""One thread for every library, and the instructions that the processor has: to be told before NumPy or JAX is imported."""

from __future__ import annotations

import os
from pathlib import Path

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
DESCRIPTION = Path("/proc/cpuinfo")


def prepare() -> None:
    """Sets what the libraries read from the environment."""
    os.environ |= dict.fromkeys(THREADS, "1")
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ["JAX_PLATFORMS"] = "cpu"
    # OpenBLAS takes AVX2 for processors of AMD that it does not know; AVX-512 is 1.6 times as fast, and what JAX takes
    if DESCRIPTION.exists() and {"AuthenticAMD", "avx512f"} <= {*DESCRIPTION.read_text().split()}:
        os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
