r"""Formulas as MathML, from our LaTeX by `latex2mathml`, set right where browsers would set them otherwise.

>>> mathml(r"\operatorname{tr}(A)", "tr(A)").partition("<mrow>")[2]
'<mi>tr</mi><mo stretchy="false">(</mo><mi>A</mi><mo stretchy="false">)</mo></mrow></math>'
"""

from __future__ import annotations

import re
from html import escape
from xml.etree.ElementTree import Element, tostring

from latex2mathml.converter import Converter

CHARACTER = re.compile(r"&#x([0-9A-Fa-f]+);")
FENCES = "⟨⟩‖|∥"
THIN, RELATION = "0.167em", "0.278em"


def mathml(latex: str, label: str, display: bool = False) -> str:
    r"""The formula as a <math> element that is read out as `label`. \underline{…} marks what a step touches.

    What is nested too deeply for the converter is given as LaTeX.
    """
    try:
        root = Converter(display="block" if display else "inline").convert_to_element(latex)
        for parent in list(root.iter()):
            _set_right(parent)
        root.set("aria-label", label)
        return tostring(root, encoding="unicode")
    except RecursionError:
        return f'<code aria-label="{escape(label)}">{escape(latex)}</code>'


def _set_right(parent: Element) -> None:
    # backwards, because spaces are put in
    for i in range(len(parent) - 1, -1, -1):
        node = parent[i]
        upright = _decode(node)
        text = node.text or ""
        variant = node.attrib.pop("mathvariant", None)  # browsers know none but normal
        if node.tag == "munder" and len(node) == 2 and (node[1].text or "").endswith(("―", "&#x02015;")):
            node.tag = "mrow"
            node.set("class", "touched")
            node.remove(node[1])
        elif node.tag == "mn" and variant == "bold" and text.isdigit():
            node.text = "".join(chr(ord("𝟎") + int(c)) for c in text)
        elif node.tag in ("mo", "mi") and len(text) == 1 and text in FENCES and "fence" not in node.attrib:
            node.tag = "mo"
            node.attrib = {"stretchy": "false", "lspace": "0", "rspace": "0"}
        elif text == ":":
            node.attrib = {"lspace": RELATION, "rspace": RELATION}
        elif text == "⊤":
            node.tag, node.attrib = "mi", {}
        elif node.tag == "mo" and text.replace("_", "").isalpha():
            node.tag, node.attrib = "mi", {"mathvariant": "normal"} if len(text) == 1 else {}
            _space_after(parent, i)
        elif node.tag == "mi" and upright and text.isascii():
            node.set("mathvariant", "normal")


def _decode(node: Element) -> bool:
    """Replaces character references by their characters; was there one? The converter gives upright letters so."""
    if not node.text or "&#x" not in node.text:
        return False
    node.text = CHARACTER.sub(lambda m: _character(int(m[1], 16)), node.text)
    return True


def _character(code: int) -> str:
    """The character of that number where XML allows it."""
    allowed = code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
    return chr(code) if allowed else "\N{REPLACEMENT CHARACTER}"


def _space_after(parent: Element, i: int) -> None:
    """A thin space between the name of a function and an argument without parentheses."""
    if parent.tag != "mrow" or i + 1 >= len(parent):
        return
    following = parent[i + 1]
    while following.tag in ("mrow", "msub", "msup", "msubsup") and len(following):
        following = following[0]
    if following.tag != "mspace" and following.text not in ("(", "&#x00028;", ")", "&#x00029;", ",", "&#x0002C;", "[", "]"):
        parent.insert(i + 1, Element("mspace", {"width": THIN}))
