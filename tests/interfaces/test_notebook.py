"""The notebook: pages of derivatives, the magics, and one notebook that is run."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree

import nbformat
import pytest
from nbclient import NotebookClient

import frechet as fr
from frechet.interfaces.document import Document, Entry
from frechet.interfaces.notebook import frechet

X, A, x = fr.matrix("X", "n", "m"), fr.matrix("A", "n", "n"), fr.vector("x", "n")


def labels(document: Document) -> list[str]:
    return [block.label for block in document.blocks if isinstance(block, Entry)]


def test_a_derivative_shows_a_page():
    html = fr.derivative(fr.tr(X.T @ A @ X), X)._repr_html_()
    text = "".join(ElementTree.fromstring(html).itertext())
    for label in ("differential", "gradient", "conditions", "checked", "other views", "def derivative"):
        assert label in text
    assert 'aria-label="grad g = (A + A\')*X"' in html


@pytest.mark.parametrize(
    ("function", "variable", "view"),
    [
        (fr.norm(x) ** 2, x, "gradient"),
        (A @ x, x, "Jacobian"),
        (fr.scalar("c") * x, fr.scalar("c"), "derivative"),
        (fr.logdet(fr.matrix("S", "n", "n", "spd")), fr.matrix("S", "n", "n", "spd"), "gradient"),
        (fr.tr(fr.matrix("Z", "n", "n", "complex")), fr.matrix("Z", "n", "n", "complex"), "derivative"),
        (fr.tensor("T", "n", "n", "n"), fr.tensor("T", "n", "n", "n"), "Jacobian"),
    ],
)
def test_every_kind_of_derivative_has_a_page(function, variable, view):
    document = fr.derivative(function, variable).document()
    assert {"differential", view, "conditions", "checked"} <= {*labels(document)}
    for written in (document._repr_html_(), document._repr_latex_(), document._repr_markdown_(), str(document)):
        assert written


def test_a_real_linear_differential_is_called_so():
    z = fr.vector("z", "n", "complex")
    assert "real-linear in dz" in str(fr.derivative(fr.norm(z) ** 2, z).document())


def test_an_expression_shows_its_shape():
    root = ElementTree.fromstring((X.T @ A)._repr_html_())
    assert root.get("title") == "m×n" and fr.tr(A)._repr_latex_() == r"$\displaystyle \operatorname{tr}(A)$"


def test_what_there_is_no_derivative_of_is_said():
    z = fr.vector("z", "n", "complex")
    page = str(fr.derivative(fr.norm(z) ** 2, z, "holomorphic").document())
    assert "not supported: " in page and "holomorphic" in page


def test_an_answer_that_fails_its_check_is_not_shown(monkeypatch):
    def fails(*_, **__):
        raise fr.CheckFailed("differs <by> 1")

    monkeypatch.setattr("frechet.interfaces.answer.verify", fails)
    assert fr.derivative(fr.tr(A @ X @ X.T), X)._repr_html_() == "<pre>differs &lt;by&gt; 1</pre>"


def test_the_magic_takes_the_options_of_the_command_line(capsys):
    document = frechet('"norm2(X*w-y)^2" w --order 2')
    assert document is not None and "Hessian" in labels(document)
    assert labels(frechet('"tr(A*X)" X --layout numerator')) == ["partials"]
    for form in ("gradient", "differential", "hessian", "vec", "components", "linearization"):
        assert frechet(f'"tr(X*A*X)" X --form {form}') is not None
    assert capsys.readouterr().out == ""
    assert frechet('"tr(A*X)" X --form gradient --text') is None
    assert capsys.readouterr().out == "A'\n"
    assert frechet("operations det") is None
    assert "det" in capsys.readouterr().out


def test_the_magic_of_a_cell(capsys):
    document = frechet("X", "R = A*X - B\nnorm2(R)^2\n")
    assert "∇g = 2Aᵀ(A X − B)" in str(document)
    assert "tr(A (X − X₀))" in str(frechet("linearize X", "tr(A*X)\n"))


def test_the_other_commands_show_their_pages(capsys):
    assert "With numbers" in str(frechet('linearize "tr(A*X)" X --why'))
    assert "In denominator layout" in str(frechet('check "tr(A*X)" X --answer A'))
    network = frechet("backprop", "h = tanh(W*x)\nnorm2(h - y)^2\n")
    assert "δ_a_h xᵀ" in str(network)
    assert capsys.readouterr().out == ""
    for line in ('linearize "tr(A*X)" X --text', 'check "tr(A*X)" X --answer A --json', 'backprop "norm2(W*x)^2" --numpy'):
        assert frechet(line) is None and capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('"logdett(X)" X', "^^^^^^^ no function of that name"),
        ("x'*x x", "double quotes"),
        ("- x", "no standard input"),
        ("batch", "no standard input"),
        ('"tr(A*X)" Y', "does not occur"),
        ('"A*X"', "name the variable"),
        ('"tr(A*X)" X --nothing', "unrecognized"),
        ("", "required"),
        ('"__import__(1)" x', "__import__"),
    ],
)
def test_errors_are_words(line, says, capsys):
    assert frechet(line) is None
    error = capsys.readouterr().err
    assert says in error and "Traceback" not in error


def test_importing_frechet_imports_nothing_of_a_notebook():
    code = "import sys, frechet; frechet.load_ipython_extension; print('IPython' in sys.modules, 'html' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False False\n"


CELLS = [
    "%load_ext frechet",
    '%frechet "x\'*A*x" x',
    "%%frechet X\nR = A*X - B\nnorm2(R)^2",
    '%frechet "tr(X^{-1}) + $b" X',
    "import frechet as fr\nX = fr.matrix('X', 'n', 'n')\nfr.derivative(fr.logdet(X), X)",
    "fr.logdet(X)",
]


def test_a_notebook_is_run():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    loaded, line, cell, wrong, derivative, expression = [c.outputs for c in notebook.cells]
    assert loaded == []
    for (output,), gradient in ((line, "grad g = (A + A')*x"), (cell, "grad g = 2*A'*(A*X - B)"), (derivative, "inv(X)'")):
        html = output.data["text/html"]
        labelled = [e.get("aria-label") for e in ElementTree.fromstring(html).iter() if e.get("aria-label")]
        assert any(gradient in words for words in labelled)
    assert line[0].data["text/plain"].startswith("g : ℝ^n → ℝ") and "text/latex" in line[0].data
    # neither $b nor {-1} was taken for Python
    assert wrong[0].name == "stderr" and "tr(X^{-1}) + $b" in wrong[0].text and "^" in wrong[0].text
    assert {"text/html", "text/latex"} <= {*expression[0].data}
