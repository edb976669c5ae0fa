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
AFTER_NAME = "([{)]},"  # no space between a name and these
THIN, RELATION = "0.167em", "0.278em"


def mathml(latex: str, label: str, large: bool = False) -> str:
    r"""The formula as a <math> element that is read out as `label`. \underline{…} marks what a step touches.

    large: are fractions as large as they are in a display?
    What is nested too deeply for the converter is given as LaTeX.
    """
    try:
        root = Converter().convert_to_element(latex)
        for node in root.iter():
            _decode(node)
        for parent in list(root.iter("*")):
            _set_spaces(parent)
        root.set("aria-label", label)
        if large:
            root.set("displaystyle", "true")
        return tostring(root, encoding="unicode")
    except RecursionError:
        return f'<code aria-label="{escape(label)}">{escape(latex)}</code>'


def _decode(node: Element) -> None:
    """Character references become characters, and what browsers know otherwise is said in their way."""
    upright = "&#x" in (node.text or "")  # the converter gives upright letters so
    if upright:
        node.text = CHARACTER.sub(lambda m: _character(int(m[1], 16)), node.text or "")
    text = node.text or ""
    variant = node.attrib.pop("mathvariant", None)  # browsers know none but normal
    if node.tag == "munder" and len(node) == 2 and node[1].text in ("―", "&#x02015;"):
        node.tag = "mrow"
        node.set("class", "touched")
        node.remove(node[1])
    elif node.tag == "mn" and variant == "bold" and text.isdigit():
        node.text = "".join(chr(ord("𝟎") + int(c)) for c in text)
    elif node.tag not in ("mo", "mi"):
        return
    elif len(text) == 1 and text in FENCES and "fence" not in node.attrib:
        node.tag, node.attrib = "mo", {"stretchy": "false", "lspace": "0", "rspace": "0"}
    elif text == ":":
        node.tag, node.attrib = "mo", {"lspace": RELATION, "rspace": RELATION}
    elif text == "/":
        node.attrib = {"lspace": "0", "rspace": "0"}
    elif text == "∇":
        node.tag, node.attrib = "mi", {"mathvariant": "normal"}
    elif text in ("⊤", "∂") or (len(text) > 1 and text.replace("_", "").isalpha()):
        node.tag, node.attrib = "mi", {}
    elif text.isalpha() and text.isascii() and (upright or node.tag == "mo"):
        node.tag, node.attrib = "mi", {"mathvariant": "normal"}


def _character(code: int) -> str:
    """The character of that number where XML allows it."""
    allowed = code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
    return chr(code) if allowed else "\N{REPLACEMENT CHARACTER}"


def _set_spaces(parent: Element) -> None:
    """Thin spaces about the name of a function, but none before a parenthesis; brackets as high as their matrix."""
    if parent.tag not in ("mrow", "mtd", "msqrt"):
        return
    for i in range(len(parent) - 1, -1, -1):  # backwards, because spaces are put in
        if parent[i].tag == "mtable":
            for j in (i - 1, i + 1):
                if 0 <= j < len(parent) and parent[j].tag == "mo":
                    parent[j].attrib = {"stretchy": "true", "fence": "true", "form": "prefix" if j < i else "postfix"}
        name = _first(parent[i])
        if name.tag != "mi" or len(name.text or "") < 2:
            continue
        if i + 1 < len(parent) and _first(parent[i + 1]).tag != "mspace" and not _is_one_of(parent[i + 1], AFTER_NAME):
            parent.insert(i + 1, Element("mspace", {"width": THIN}))
        if i and parent[i - 1].tag not in ("mspace", "mo"):
            parent.insert(i, Element("mspace", {"width": THIN}))


def _is_one_of(node: Element, signs: str) -> bool:
    return (_first(node).text or " ") in signs


def _first(node: Element) -> Element:
    while node.tag in ("mrow", "msub", "msup", "msubsup") and len(node):
        node = node[0]
    return node
