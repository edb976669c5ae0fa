"""Extension modules: kept and used again, built by several processes at once, absent where there is no compiler."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import frechet as fr
from frechet.compilation.native import building

pytestmark = pytest.mark.skipif(building.compiler() is None, reason="no C compiler, or no headers of Python")

PROGRAM = """
import numpy as np, frechet as fr
program = fr.compile(fr.parse("x'*A*x + 3*sum(x)"), backend="c")
print(program(np.ones(3), np.eye(3)), program.at(n=3).module is not None)
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of its own, and nothing that other tests built or found failing."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(building, "_loaded", {})
    monkeypatch.setattr(building, "_failed", [])
    for cached in (building.directory, building.compiler):
        cached.cache_clear()
    yield tmp_path / "frechet"
    for cached in (building.directory, building.compiler):
        cached.cache_clear()


def value(text: str = "x'*x") -> float:
    return float(fr.compile(fr.parse(text, {"x": "n"}), backend="c")(np.array([1.0, 2.0])))


def built(place: Path) -> list[Path]:
    return sorted(place.glob("compiled_*"))


def test_modules_are_kept(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert value() == 5
    (module,) = built(place)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700 and not list(place.glob("building_*"))
    monkeypatch.setattr(building, "_loaded", {})
    monkeypatch.setattr(building, "_build", None)  # not called
    assert value() == 5
    assert built(place) == [module]


def test_two_processes_at_once(place: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PROGRAM]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    assert [run.communicate()[0].strip() for run in runs] == ["12.0 True"] * 2
    assert len(built(place)) == 1


def test_a_compiler_that_fails_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "false")
    with pytest.warns(RuntimeWarning, match="the C compiler .*false fails, so programs run in NumPy"):
        assert value() == 5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert value("2*x'*x") == 10


def test_what_the_compiler_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tool = tmp_path / "cc"
    tool.write_text("#!/bin/sh\necho 'x.c:1: error: no room' >&2\nexit 1\n")
    tool.chmod(0o700)
    monkeypatch.setenv("CC", str(tool))
    with pytest.warns(RuntimeWarning, match="error: no room"):
        assert value() == 5


def test_a_program_that_takes_too_long_leaves_others_in_c(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    slow = subprocess.TimeoutExpired("cc", building.SECONDS)
    with monkeypatch.context() as once:
        once.setattr(building, "_build", lambda *args: (_ for _ in ()).throw(slow))
        with pytest.warns(RuntimeWarning, match="a program is built for more than 120 s: it runs in NumPy"):
            assert value() == 5
    assert value("2*x'*x") == 10 and len(built(place)) == 1


def test_an_alarm_of_the_caller_is_not_taken_for_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "_build", lambda *args: (_ for _ in ()).throw(TimeoutError("mine")))
    with pytest.raises(TimeoutError, match="mine"):
        value()
    assert not building._failed


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    monkeypatch.setattr(building.shutil, "which", lambda name: None)
    assert value() == 5
    assert not built(place)


def test_a_cache_that_others_may_write_to_is_not_used(place: Path) -> None:
    place.mkdir(mode=0o700)
    place.chmod(0o777)
    assert value() == 5
    assert not list(place.iterdir())


def test_a_module_that_others_may_write_to_is_built_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert value() == 5
    (module,) = built(place)
    module.unlink()  # the one that is loaded
    module.write_bytes(b"not a module")
    module.chmod(0o666)
    monkeypatch.setattr(building, "_loaded", {})
    assert value() == 5
    assert not stat.S_IMODE(module.stat().st_mode) & 0o022


def test_the_default_compiles_nothing(place: Path) -> None:
    assert fr.compile(fr.parse("x'*x"))(np.ones(2)) == 2
    assert not built(place)
