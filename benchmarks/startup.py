"""How long a question takes from the command line, beside the import of NumPy alone.

    python benchmarks/startup.py

Prints a Markdown table. The runs are interleaved, so that a busy machine is busy for all of them.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

RUNS = 11
ROOT = Path(__file__).resolve().parent.parent
QUESTION = ["-m", "frechet", "x'*A*x", "x"]
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    'python -c "import numpy"': ["-c", "import numpy"],
    'python -c "import frechet"': ["-c", "import frechet"],
    'python -m frechet "x\'*A*x" x --no-check': [*QUESTION, "--no-check"],
    'python -m frechet "x\'*A*x" x': QUESTION,
}


def seconds(arguments: list[str], environment: dict[str, str]) -> float:
    start = perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - start


def main() -> None:
    # Byte code is kept, as in an installed package, but away from the source.
    with tempfile.TemporaryDirectory() as cache:
        kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        measure({**kept, "PYTHONPYCACHEPREFIX": cache})


def measure(environment: dict[str, str]) -> None:
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for arguments in COMMANDS.values():
        seconds(arguments, environment)  # byte code is compiled, files are read once
    for _ in range(RUNS):
        for name, arguments in COMMANDS.items():
            times[name].append(seconds(arguments, environment))
    median = {name: statistics.median(found) for name, found in times.items()}
    numpy = median['python -c "import numpy"']
    print(f"| command | median of {RUNS}, ms | over `import numpy` |")
    print("|---|---|---|")
    for name, value in median.items():
        print(f"| `{name}` | {1e3 * value:.0f} | {value / numpy:.2f} |")


if __name__ == "__main__":
    main()
