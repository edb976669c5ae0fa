"""C built to extension modules with the system's compiler, once for each text: they are kept in the user's cache.

A module is built under a name of its own and renamed when it is complete, so that processes may build the same one at
once. A cache that others may write to is not used: modules go to a new directory then, for this process.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from importlib.machinery import ExtensionFileLoader
from importlib.resources import files
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

FLAGS = (
    "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fno-strict-aliasing", "-fopenmp-simd", "-shared",
    "-fPIC", "-w",
    "-fno-tree-loop-distribute-patterns",  # GCC 12 takes diagonals among zeros for zeros in loops marked simd
    "-fno-tree-vrp",  # takes time by the square of the length, 30 s for 30 layers with all gradients, and gains nothing
)  # fmt: skip
SECONDS = 120  # for one module

_loaded: dict[str, ModuleType | None] = {}
_workspace: list[Any] = [None]  # of all modules: an array, where a call has left one
_failed: list[str] = []  # the compilers that did not work, told once


def bound(module: ModuleType, general: Callable[..., Any], accepted: bytearray, keys: Sequence[str] | None = None) -> Any:
    """The function of a module for these sizes, with the one to which it leaves what it does not do.

    accepted: the sizes, as `Source.accepted` packs them; keys: of the results, where these are a dictionary
    """
    return module.bind((general, accepted, None if keys is None else tuple(keys), _workspace))


def load(source: str) -> ModuleType | None:
    """The module of a C source, built if it is not in the cache; None where there is no compiler, or it fails.

    Warns:  RuntimeWarning, at the first failure of a compiler in this process
    """
    if source not in _loaded:
        _loaded[source] = _load(source)
    return _loaded[source]


def _load(source: str) -> ModuleType | None:
    command = compiler()
    if command is None or command[0] in _failed:
        return None
    path = directory() / f"compiled_{key(source, command)}{sysconfig.get_config_var('EXT_SUFFIX')}"
    try:
        if not (path.exists() and _own(path)):
            _build(source, command, path)
        spec = spec_from_file_location("compiled", path, loader=ExtensionFileLoader("compiled", str(path)))
        assert spec is not None and spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    except subprocess.TimeoutExpired:
        warnings.warn(f"a program is built for more than {SECONDS} s: it runs in NumPy", RuntimeWarning, stacklevel=2)
        return None
    except TimeoutError:  # of the caller, such as an alarm
        raise
    except (OSError, subprocess.SubprocessError, ImportError) as error:
        _failed.append(command[0])
        said = getattr(error, "stderr", None) or str(error)
        first = next((line for line in said.splitlines() if "error" in line), said.strip().partition("\n")[0])
        warnings.warn(f"the C compiler {command[0]} fails, so programs run in NumPy: {first}", RuntimeWarning, stacklevel=2)
        return None


def _build(source: str, command: list[str], path: Path) -> None:
    import numpy as np

    with tempfile.TemporaryDirectory(dir=path.parent, prefix="building_") as place:
        text, made = Path(place) / "compiled.c", Path(place) / path.name
        text.write_text(source, encoding="utf-8")
        includes = [f"-I{sysconfig.get_path('include')}", f"-I{np.get_include()}"]
        platform_flags = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
        subprocess.run(
            [*command, *FLAGS, *platform_flags, *includes, str(text), "-o", str(made), "-lm"],
            check=True, capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        os.replace(made, path)


@cache
def compiler() -> list[str] | None:
    """The command of the system's compiler; None where there is none, or no headers of Python."""
    if os.name != "posix" or not (Path(sysconfig.get_path("include")) / "Python.h").exists():
        return None
    for text in (os.environ.get("CC"), sysconfig.get_config_var("CC"), "cc", "gcc", "clang"):
        command = shlex.split(text or "")
        found = shutil.which(command[0]) if command else None
        if found is not None:
            return [found, *command[1:]]
    return None


def key(source: str, command: list[str]) -> str:
    """What a built module depends on, in a word: the text, the compiler, and the versions and machine it is for."""
    import numpy as np

    tool = os.stat(command[0])
    parts = [source, *command, *FLAGS, str(tool.st_size), str(tool.st_mtime_ns), sys.version, np.__version__, processor()]
    return sha256("\0".join(parts).encode()).hexdigest()[:32]


@cache
def processor() -> str:
    """What tells the instructions that the machine has."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    told = [line for line in lines if line.lower().startswith(("flags", "features"))]
    return f"{platform.machine()} {told[0] if told else platform.node()}"


@cache
def directory() -> Path:
    """Where modules are kept: a directory that nobody else may write to."""
    try:
        path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "frechet"
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _own(path) and os.access(path, os.W_OK):
            return path
    except (OSError, RuntimeError):
        pass
    return Path(_temporary().name)


@cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    """A new directory, which is removed with the process."""
    return tempfile.TemporaryDirectory(prefix="frechet_")


def _own(path: Path) -> bool:
    """Does the path belong to this user, who alone may write to it?"""
    found = path.lstat()
    return found.st_uid == os.getuid() and not found.st_mode & 0o022 and not path.is_symlink()


def part(name: str) -> str:
    """A file of C beside this one."""
    return files("frechet.compilation.native").joinpath(name).read_text(encoding="utf-8")


@cache
def has_vector_functions() -> bool:
    """Does C's library have exp, tanh and the like of several entries at once, as the compiler sees it?"""
    command = compiler()
    if command is None:
        return False
    text = f"#include <math.h>\n#define T double\n#define F(name) name\n{part('vector_functions.c')}"
    try:
        found = subprocess.run(
            [*command, "-dM", "-E", "-x", "c", "-"], input=text, check=True, capture_output=True, text=True, timeout=SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return "HAS_VECTOR_FUNCTIONS" in found.stdout
