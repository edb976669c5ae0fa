"""The notebooks of docs/tutorials run, show what is stored in them, and docs/tutorials/*.md are the same lessons to read.

    python tests/test_tutorials.py [name …]

runs them again and stores what they show today, in the notebooks and in the pages.
"""

from __future__ import annotations

import base64
import os
import re
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from frechet.interfaces.rendering.markdown import formula

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "docs" / "tutorials"
NOTEBOOKS = sorted(PLACE.glob("*.ipynb"))
NUMBER = re.compile(r"(?<![\w.])[-−]?\d+(?:\.\d*)?(?:e[+-]?\d+)?")
# Figures that are rounding errors or times: they differ between machines.
FIGURES = re.compile(r"((?:largest (?:relative )?error|seconds|difference):? *)[-−]?[0-9.e+-]+")
PICTURE = re.compile(r"^ *(?:1e-?\d+|1)? \|.*$", re.MULTILINE)  # the points of a remainder, which may be rounding errors
DISPLAY = re.compile(r"\$\$(.*?)\$\$", re.DOTALL)
INLINE = re.compile(r"(?<![\\$`])\$(?![$`\s])([^$]*?[^$\s\\`])\$")
LARGEST = 500_000  # bytes of a notebook


def executed(path: Path) -> NotebookNode:
    """The notebook with what its cells show now."""
    notebook = nbformat.read(path, as_version=4)
    here = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [here])])
    try:
        NotebookClient(
            notebook,
            timeout=120,
            kernel_name="python3",
            coalesce_streams=True,
            resources={"metadata": {"path": str(PLACE)}},
        ).execute()
    finally:
        if here is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = here
    for number, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"cell-{number:02d}", NotebookNode()
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop("text/html", None)
    notebook.metadata = NotebookNode(
        kernelspec=NotebookNode(display_name="Python 3", language="python", name="python3"),
        language_info=NotebookNode(name="python"),
    )
    return notebook


# Viewers that do not run a notebook clean its HTML: GitHub and JupyterLab (for notebooks that are not trusted) take MathML
# away, and of X² they would leave X2. So HTML is not stored; they show the Markdown and the LaTeX of an answer.
def texts(notebook: NotebookNode) -> Iterator[tuple[int, str]]:
    """What the cells show, as text, with the number of the cell."""
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            shown = output.text if output.output_type == "stream" else data.get("text/plain", "")
            yield number, f"{output.output_type}, {', '.join(sorted(data))}\n{shown}"


def page(notebook: NotebookNode, name: str) -> tuple[str, dict[str, bytes]]:
    """The notebook as Markdown that GitHub shows, and its pictures by the names of their files."""
    parts = [f"*This page is written from [{name}.ipynb]({name}.ipynb), which you can run.*"]
    pictures: dict[str, bytes] = {}
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            parts.append(on_github(cell.source.replace(".ipynb)", ".md)")))
            continue
        parts.append(fenced(cell.source, "python"))
        for output in cell.outputs:
            data = output.get("data", {})
            if "image/png" in data:
                file = f"{name}-{number}.png"
                pictures[file] = base64.b64decode(data["image/png"])
                parts.append(f"![the plot that the cell above draws]({file})")
            elif "text/markdown" in data:
                parts.append(set_off(data["text/markdown"]))
            elif "text/latex" in data:
                parts.append(on_github("$$" + formula(data["text/latex"].strip("$")) + "$$"))
            else:
                parts.append(fenced(data.get("text/plain", output.get("text", "")), "text"))
    return "\n\n".join(parts) + "\n", pictures


def fenced(text: str, language: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def set_off(text: str) -> str:
    """An answer of Frechet between rules; its headings are smaller than those of the lesson."""
    return "---\n\n" + re.sub(r"^#+(?= )", "####", on_github(text.strip()), flags=re.MULTILINE) + "\n\n---"


def on_github(text: str) -> str:
    """Formulas as GitHub keeps them whole: between $` and `$ or in a block of math, where no _ or * is Markdown."""
    blocks = text.split("```")  # every second one is code
    for i in range(0, len(blocks), 2):
        shown = DISPLAY.sub(lambda m: f"``\0math\n{m[1].strip()}\n``\0", blocks[i])
        blocks[i] = INLINE.sub(r"$`\1`$", shown).replace("``\0", "```")
    return "```".join(blocks)


def same(a: str, b: str) -> bool:
    """Equal texts, but for the last digit of decimals and for figures that differ between machines."""
    a, b = (PICTURE.sub("|", FIGURES.sub(r"\1…", text)) for text in (a, b))
    words = [re.sub(r"\s+", " ", NUMBER.sub("#", text)) for text in (a, b)]
    return words[0] == words[1] and all(map(_close, NUMBER.findall(a), NUMBER.findall(b)))


def _close(a: str, b: str) -> bool:
    """Equal whole numbers, or decimals that are at most one unit of their last place apart."""
    x, y = (Decimal(n.replace("−", "-")) for n in (a, b))
    places = [max(0, -int(n.as_tuple().exponent)) for n in (x, y)]
    unit = Decimal(1).scaleb(-min(places)) if min(places) else Decimal(0)
    return abs(x - y) <= max(unit, abs(x) * Decimal("1e-9") if max(places) > 8 else Decimal(0))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_tutorial_shows_what_is_stored(path: Path) -> None:
    stored, now = list(texts(nbformat.read(path, as_version=4))), list(texts(executed(path)))
    assert [number for number, _ in stored] == [number for number, _ in now]
    for (number, before), (_, after) in zip(stored, now, strict=True):
        assert same(before, after), f"cell {number} of {path.name} shows\n{after}\nand not\n{before}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_page_is_its_notebook(path: Path) -> None:
    written, pictures = page(nbformat.read(path, as_version=4), path.stem)
    assert (PLACE / f"{path.stem}.md").read_text(encoding="utf-8") == written
    assert {p.name: p.read_bytes() for p in PLACE.glob(f"{path.stem}-*.png")} == pictures


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_is_small_and_of_no_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert len(text) < LARGEST and str(ROOT) not in text and str(Path.home()) not in text
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]
    for cell in cells:
        assert not any(output.output_type == "error" or output.get("name") == "stderr" for output in cell.outputs)
        assert all({"text/markdown", "text/latex", "image/png"} & {*output.data} for output in cell.outputs
                   if output.output_type == "execute_result" and "<" in output.data["text/plain"][:1])  # fmt: skip


def test_there_are_three_tutorials() -> None:
    assert [p.stem for p in NOTEBOOKS] == ["back-propagation", "covariance", "the-first-question"]


def test_numbers_may_differ_in_their_last_digits_only() -> None:
    assert same("x = 1.23456 largest error 3e-12", "x = 1.23457 largest error 8e-9")
    assert same(" 1e-7 |  o *", "      |  o  *")
    assert same("a  1", "a 1") and same("0.100", "0.1") and not same("x = 1.23", "x = 1.25")
    assert not same("a 1", "b 1") and not same("13", "14") and not same("1 2", "1") and not same("-0.5", "0.5")


def store(path: Path) -> None:
    notebook = executed(path)
    nbformat.write(notebook, path)
    written, pictures = page(notebook, path.stem)
    (PLACE / f"{path.stem}.md").write_text(written, encoding="utf-8")
    for old in PLACE.glob(f"{path.stem}-*.png"):
        old.unlink()
    for name, picture in pictures.items():
        (PLACE / name).write_bytes(picture)


if __name__ == "__main__":
    for notebook_path in NOTEBOOKS:
        if not sys.argv[1:] or notebook_path.stem in sys.argv[1:]:
            store(notebook_path)
