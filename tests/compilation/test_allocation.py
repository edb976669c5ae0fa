"""Calls use the memory again that earlier ones left."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

CALLS = """
import resource
import numpy as np
import frechet as fr

g = fr.parse("sum(tanh(A*tanh(B*X)))", {k: "n×n" for k in "ABX"})
program = fr.derivative(g, "A").compile("value", "gradient")
A = np.eye(200)
for _ in range(5):
    program(A, A, A)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    program(A, A, A)
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of the GNU C library")
def test_calls_ask_the_system_for_no_pages() -> None:
    """Without `keep_freed_memory` it is two hundred at each call."""
    run = subprocess.run([sys.executable, "-c", CALLS], capture_output=True, text=True, check=True)
    assert float(run.stdout) < 20
