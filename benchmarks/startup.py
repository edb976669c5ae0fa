"""How long a question takes from the command line, and a formula's way to NumPy source, each in a fresh process.

    python benchmarks/startup.py

Prints two Markdown tables. The runs are interleaved, so that a busy machine is busy for all of them; they stay on one core.
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


FORMULAS = {
    "x'*A*x": "x",
    "norm2(A*x - b)^2": "x",
    "logdet(S) + tr(inv(S)*A)": "S",
    "norm2(T - U*V')^2": "U",
    "sum(log(ones(n) + exp(X*w)))": "w",
    "-y'*log(softmax(W*x))": "W",
    "norm2(inv(X)*b)^2": "X",
    "norm2(sigmoid(W2*tanh(W1*x)) - y)^2": "W1",
}
WAY = """
import sys
from time import perf_counter
import frechet as fr
text, name, imported = sys.argv[1:]
if imported:
    import frechet.compilation.numpy_source, frechet.notation.reading
start = perf_counter()
g = fr.parse(text)
gradient = fr.derivative(g, fr.variables(g)[name]).gradient
from frechet.compilation.numpy_source import numpy_source
numpy_source([g, gradient])
print(perf_counter() - start)
"""


def seconds(arguments: list[str], environment: dict[str, str]) -> float:
    start = perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - start


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    # Byte code is kept, as in an installed package, but away from the source.
    with tempfile.TemporaryDirectory() as cache:
        kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment = {**kept, "PYTHONPYCACHEPREFIX": cache}
        measure(environment)
        print()
        measure_formulas(environment)


def measure(environment: dict[str, str]) -> None:
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for arguments in COMMANDS.values():
        seconds(arguments, environment)  # byte code is compiled, files are read once
    for _ in range(RUNS):
        for name, arguments in COMMANDS.items():
            times[name].append(seconds(arguments, environment))
    median = {name: statistics.median(found) for name, found in times.items()}
    bare, numpy = median["python -c pass"], median['python -c "import numpy"']
    print(f"| command | median of {RUNS}, ms | more than bare Python, ms | over `import numpy` |")
    print("|---|---|---|---|")
    for name, value in median.items():
        print(f"| `{name}` | {1e3 * value:.0f} | {1e3 * (value - bare):.0f} | {value / numpy:.2f} |")


def measure_formulas(environment: dict[str, str]) -> None:
    def own(text: str, name: str, imported: str) -> float:
        command = [sys.executable, "-c", WAY, text, name, imported]
        done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        return float(done.stdout)

    cases = [(text, name, imported) for text, name in FORMULAS.items() for imported in ("yes", "")]
    times: dict[tuple[str, str, str], list[float]] = {case: [] for case in cases}
    for _ in range(RUNS):
        for case in cases:
            times[case].append(own(*case))
    print(f"| parse, derive, emit | median of {RUNS}, ms | with what is imported on the way, ms |")
    print("|---|---|---|")
    for text, name in FORMULAS.items():
        apart, whole = (1e3 * statistics.median(times[text, name, imported]) for imported in ("yes", ""))
        print(f"| `{text}` by {name} | {apart:.1f} | {whole:.1f} |")


if __name__ == "__main__":
    main()
