r"""Words in LaTeX: what means something to TeX is escaped, and mathematical signs are put into math mode.

>>> latex_words("50 % of A_1, Aᵀ × B₀"), latex_words("naïve"), latex_words("ж")
('50 \\% of A\\_1, $A^{\\top}$ $\\times$ $B_{0}$', 'na\\"{i}ve', '{[}U+0436{]}')
"""

from __future__ import annotations

import re
import unicodedata

from frechet.interfaces.document import LATEX, signs

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''", "[": "{[}", "]": "{]}",
    "’": "'", "‘": "`", "“": "``", "”": "''", "–": "--", "—": "---", "…": r"\dots{}", "\N{NO-BREAK SPACE}": "~",
    "•": r"\textbullet{}", "✓": r"$\checkmark$", "✗": r"$\times$", "\N{THIN SPACE}": r"\,",
}  # fmt: skip
SPECIAL |= {"ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "ø": r"\o{}", "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}"}
ACCENTS = {
    "\N{COMBINING GRAVE ACCENT}": "`", "\N{COMBINING ACUTE ACCENT}": "'", "\N{COMBINING CIRCUMFLEX ACCENT}": "^",
    "\N{COMBINING TILDE}": "~", "\N{COMBINING DIAERESIS}": '"', "\N{COMBINING MACRON}": "=", "\N{COMBINING DOT ABOVE}": ".",
    "\N{COMBINING CEDILLA}": "c", "\N{COMBINING CARON}": "v", "\N{COMBINING BREVE}": "u", "\N{COMBINING RING ABOVE}": "r",
    "\N{COMBINING DOUBLE ACUTE ACCENT}": "H", "\N{COMBINING OGONEK}": "k",
}  # fmt: skip
PIECE = re.compile(r"[\x00-\x7f]|[^\x00-\x7f]+")
TEXT = re.compile(r"\\text\{([^{}]*)\}")
# A word that can be put into math mode as a whole, and the punctuation around it: (n×p), ℝ^{n×p}
FORMULA = re.compile(r"(?:[^\\_^{}~$]|[_^]\{[^{}\\_^~$]*\}|[_^][A-Za-z0-9])+")
AROUND = re.compile(r"([(\"'“]*)(.*?)([)\"'”.,;:!?]*)", re.DOTALL)


def latex_words(text: str) -> str:
    """Words for text mode, in ASCII."""
    return "".join(map(_word, re.split(r"(\s+)", _plain(text))))


def _word(word: str) -> str:
    if not word.isascii():
        before, middle, after = AROUND.fullmatch(word).groups()  # type: ignore[union-attr]
        if before == "(" and word.count("(") == word.count(")"):  # (n×m)(m×n), all of it
            stripped = word.rstrip(".,;:!?")
            if stripped.endswith(")"):
                before, middle, after = "", stripped, word[len(stripped) :]
        while middle.count("(") > middle.count(")") and after.startswith(")"):
            middle, after = middle + ")", after[1:]
        if FORMULA.fullmatch(middle) and any(not c.isascii() and c not in SPECIAL and _sign(c) for c in middle):
            found = signs(middle, "latex").strip()
            if found.isascii():
                return f"{_each(before)}${found}${_each(after)}"
    return _each(word)


def _each(word: str) -> str:
    return PIECE.sub(lambda m: SPECIAL.get(m[0]) or (m[0] if m[0].isascii() else _signs(m[0])), word)


def latex_formula(text: str) -> str:
    r"""A formula in ASCII: letters of other alphabets, which stand in names, as \text{…}."""
    if text.isascii():
        return text
    text = TEXT.sub(lambda m: rf"\text{{{latex_words_kept(m[1])}}}", text)
    return re.sub(r"[^\x00-\x7f]", lambda m: _sign(m[0]) or rf"\text{{{_letter(m[0])}}}", text)


def latex_words_kept(text: str) -> str:
    """Words that are escaped already, in ASCII."""
    return re.sub(r"[^\x00-\x7f]+", lambda m: _signs(m[0]), text)


def _plain(text: str) -> str:
    """Without control characters, which TeX refuses."""
    return "".join(c if c.isprintable() or c == "\N{NO-BREAK SPACE}" else " " for c in text)


def _signs(run: str) -> str:
    """A run of characters beyond ASCII: signs in math mode, letters as TeX writes them."""
    found = ""
    for piece in re.findall(r"⁻ᵀ|⁻¹|ᵢⱼ|.", run, re.DOTALL):
        sign = None if piece in SPECIAL else _sign(piece)
        found += f"${sign.strip()}$" if sign is not None else SPECIAL.get(piece) or _letter(piece)
    return found.replace("$$", "")


def _sign(piece: str) -> str | None:
    """A mathematical sign or a Greek letter in math mode; None for anything else."""
    found = LATEX.get(piece) or signs(piece, "latex")
    if found.isascii():
        return found
    plain = unicodedata.normalize("NFKD", piece)
    name = unicodedata.name(piece, "")
    if plain.isascii() and "SUPERSCRIPT" in name:
        return f"^{{{plain}}}"
    if plain.isascii() and "SUBSCRIPT" in name:
        return f"_{{{plain}}}"
    if plain.isascii() and unicodedata.category(piece) in ("Sm", "No", "Nd"):
        return plain
    return None


def _letter(c: str) -> str:
    """A letter with its accents as TeX composes it, or its number where TeX's fonts lack it."""
    if c in SPECIAL:
        return SPECIAL[c]
    plain, *accents = list(unicodedata.normalize("NFD", c))
    if plain.isascii() and plain.isalpha() and len(accents) == 1 and accents[0] in ACCENTS:
        return rf"\{ACCENTS[accents[0]]}{{{plain}}}"
    compatible = unicodedata.normalize("NFKD", c)
    if compatible.isascii() and compatible.isprintable():
        return "".join(SPECIAL.get(k, k) for k in compatible)
    return f"{{[}}U+{ord(c):04X}{{]}}"
