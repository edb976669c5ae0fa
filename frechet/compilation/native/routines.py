"""Functions in C of pointers, numbers and sizes, which do the steps of a schedule and return whether that failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count

from frechet.compilation.native.loops import Loop, LoopText
from frechet.compilation.native.scheduling import Schedule
from frechet.compilation.values import Value


def routine(
    name: str,
    schedule: Schedule,
    given: Sequence[str],
    sizes: Sequence[str],
    fixed: Mapping[str, int] | None = None,
    carved: bool = False,
) -> str:
    """The text of one function, those before it of what it does block by block.

    given: the parameters of its operands
    sizes: the names of those it takes
    fixed: sizes that are numbers in it
    carved: are the parts of its workspace cut from one piece, or is each a parameter?
    """
    before = [routine(b.name, b.schedule, b.given, list(b.schedule.sizes)) for b in schedule.blocks]
    results = [f"T *restrict r{i}" for i in range(len(schedule.results))]
    room = ["T *work"] if carved else [f"T *restrict w{i}" for i in range(len(schedule.room))]
    parameters = [*given, *results, *(f"const npy_intp {d}" for d in sizes), *room]
    variables = dict.fromkeys(text for text in schedule.variables.values() if text not in schedule.given)
    lines = [
        f"static int {name}({', '.join(parameters)})",
        "{",
        *(f"const npy_intp {d} = {size};" for d, size in (fixed or {}).items()),
        *([f"T {', '.join(variables)};"] if variables else []),
    ]
    for i, d in enumerate(schedule.room if carved else ()):
        lines.append(f"T *restrict w{i} = work;")
        lines.append(f"work += ROUNDED({schedule.reader.dimension(d)});")
    lines += _steps(schedule)
    for i, r in enumerate(schedule.results):
        if isinstance(r, Value):
            lines.append(f"*r{i} = {schedule.scalar(r)};")
    return "\n".join([*before, *lines, *(["(void)work;"] if carved else []), "return 0;", "}"])


def _steps(schedule: Schedule) -> list[str]:
    numbers = count()
    lines: list[str] = []
    for i, step in enumerate(schedule.steps):
        if not isinstance(step, Loop):
            lines.append(str(step))
            continue
        loop = LoopText(schedule.reader, step, i, schedule.variables, numbers).text()
        if step.library is not None:
            condition, call = step.library
            loop = [f"if ({condition}) {call}", "else {", *loop, "}"]
        if step.when:
            loop = [f"if ({step.when}) {{", *loop, "}"]
        lines += ["{", *loop, "}"]
    return lines
