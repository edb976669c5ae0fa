"""Programs on a mesh of JAX: the numbers of the plain program, with one all-reduce a round.

The devices are parts of the CPU, which has to be said before JAX starts: so on_a_mesh.py does it in processes of their own.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = str(Path(__file__).with_name("on_a_mesh.py"))
pytest.importorskip("jax")


def started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, SCRIPT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> None:
    try:
        out, err = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert out.split()[-1:] == ["same"], err


def test_four_devices_with_one_all_reduce_a_round() -> None:
    ended(started())


def test_two_processes_that_each_have_half_of_the_rows() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    both = [started(str(i), str(port)) for i in range(2)]
    for process in both:
        ended(process)
