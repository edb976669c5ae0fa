"""What is said of a name before its text is read: dimensions, properties, domain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from frechet.expressions import space
from frechet.expressions.dimension import AXES_LIMIT, UNIT, Dim, Shape, dim
from frechet.expressions.errors import FrechetError, LimitError, NotationError, UnsupportedError
from frechet.expressions.function import PROPERTIES, Function, checked
from frechet.expressions.node import Expr
from frechet.notation.declaration import Declaration, FunctionDeclaration, Polynomial, read_declaration
from frechet.notation.functions import FILLED, functions
from frechet.operations import constants
from frechet.operations.cancellation import BOUND

_SQUARE = frozenset(word for word, structure in space.STRUCTURES.items() if structure.of == "square")
_MATRIX = frozenset(word for word, structure in space.STRUCTURES.items() if structure.of in ("square", "matrix"))
_VECTOR = frozenset(word for word, structure in space.STRUCTURES.items() if structure.of == "vector")


class Known:
    """What is said of a name before its text is read. dims: None where the shape is open."""

    __slots__ = ("complex", "dims", "domain", "function", "name", "structure")
    function: Function | None

    def __init__(self, name: str, dims: tuple[Dim, ...] | None, words: Iterable[str], field: str | None) -> None:
        self.name, self.dims, self.function = name, dims, None
        if dims is not None and len(dims) > AXES_LIMIT:
            raise LimitError(f"{name} has {len(dims)} axes; at most {AXES_LIMIT} are read")
        structure, domains = [], []
        for word in words:
            if word in PROPERTIES and word not in constants.DOMAINS:
                hint = f"{name}: elementwise {word}" if dims is None else f"{name}: n → 1 {word}"
                raise NotationError(f"{name} is declared {word}, which is said of functions: did you mean {hint}?")
            if word == "hermitian" and field == "real":
                raise NotationError(f"{name} is declared real and hermitian: of a real matrix say symmetric")
            word = "labels±1" if word == "labels" else word
            if space.base(word) in constants.STRUCTURES and word != "complex":
                structure.append(word)
            elif word in constants.DOMAINS:
                domains.append(word)
            else:
                raise NotationError(f"{word!r}, said of {name}, is not a property known here")
        domains = [word for word in domains if word != "normal"]
        if len(domains) > 1:
            raise NotationError(f"{name} is declared {' and '.join(domains)}: say only the narrower of them")
        self.structure = tuple(structure)
        self.complex = field == "complex" or "hermitian" in structure
        if self.complex:
            _check_complex(name, structure, domains)
        self.domain = domains[0] if domains else "normal"

    @classmethod
    def of(cls, declaration: Declaration | FunctionDeclaration | str) -> Known:
        text = declaration if isinstance(declaration, str) else None
        if isinstance(declaration, str):
            declaration = read_declaration(declaration)
        try:
            if isinstance(declaration, FunctionDeclaration):
                return cls.of_function(declaration)
            dims = declaration.dims
            return cls(
                declaration.name, None if dims is None else tuple(map(dim, dims)), declaration.words, declaration.field
            )
        except FrechetError as error:
            if text is not None:
                error.position, error.end, error.text = 0, len(text), text
            raise error from None

    @classmethod
    def of_function(cls, said: FunctionDeclaration) -> Known:
        if said.name in functions() or said.name in FILLED:
            raise NotationError(f"{said.name} is a function of the notation: choose another name for the declared one")
        known = cls(said.name, None, (), None)
        known.function = checked(Function(said.name, _shape(said.domain), _shape(said.codomain), said.words))
        return known

    @classmethod
    def of_entry(cls, name: str, said: Mapping[str, Any], differentiated: bool = False) -> Known:
        """The sample of a constant is a promise; of the variable itself it only says where to look."""
        if isinstance(said, Mapping) and "function" in said:
            return cls.of(f"{name}: {said['function']}")
        if not isinstance(said, Mapping) or not isinstance(said.get("shape", ()), Sequence):
            raise NotationError(f'{name} must be described as {{"shape": ["n", "m"]}}, perhaps with structure and sample')
        words = list(said.get("structure") or ())
        sample = said.get("sample")
        dims = tuple(dim(d) for d in said.get("shape", ()))
        field = "complex" if said.get("complex") else None
        if sample == "spd" and not dims:
            sample = "positive"
        elsewhere = ("simplex", *BOUND)  # whose identities would be used
        if differentiated and sample in ("spd", "orthogonal", *elsewhere):
            known = cls(name, dims, words, field)
            if sample is not None and sample not in elsewhere and sample not in words:
                known.domain = sample
            return known
        if sample and sample not in words:
            words.append(sample)
        return cls(name, dims, words, field)

    @property
    def square(self) -> bool:
        return self.domain == "invertible" or not _SQUARE.isdisjoint(self.structure)

    @property
    def kind(self) -> str | None:
        """What the words make of the name, where they tell: a scalar, a vector or a matrix."""
        words = space.bases(self.structure)
        if self.domain == "invertible" or words & _MATRIX:
            return "matrix"
        if self.domain == "whole":
            return "scalar"
        return "vector" if words & _VECTOR or self.domain in ("simplex", "onehot") else None

    def masks(self) -> list[tuple[str, str]]:
        """The variable's name with that of its mask, where it is declared sparse(M)."""
        name = space.mask_name(self.structure)
        return [(self.name, name)] if name is not None else []


def _check_complex(name: str, structure: Sequence[str], domains: Sequence[str]) -> None:
    """What cannot be said of complex entries, and what is not known of them here."""
    ordered = [word for word in domains if word not in ("spd", "orthogonal", "invertible")]
    if ordered:
        raise NotationError(f"{name} is complex, and {ordered[0]} is said of real entries")
    if "orthogonal" in structure and (other := set(structure) - {"orthogonal"}):
        raise UnsupportedError(f"{name} is declared unitary and {other.pop()}: that is not supported yet")
    if "hermitian" in structure and (other := set(structure) - {"hermitian", "spd", "psd"}):
        raise UnsupportedError(f"{name} is declared hermitian and {other.pop()}: that is not supported yet")


def _shape(dims: tuple[Polynomial, ...] | None) -> Shape | None:
    if dims is None:
        return None
    if len(dims) > 2:
        raise UnsupportedError("functions take and give numbers, vectors and matrices; this has more dimensions")
    rows, columns = (*map(dim, dims), UNIT, UNIT)[:2]
    return rows, columns


def declared(declare: Mapping[str, str | Expr] | Sequence[str] | None) -> tuple[list[Known], dict[str, Expr]]:
    """What is said in words, and the names that stand for expressions."""
    if not declare:
        return [], {}
    if isinstance(declare, str):
        declare = [declare]
    if not isinstance(declare, Mapping):
        return [Known.of(d) for d in declare], {}
    texts = {name: said for name, said in declare.items() if not isinstance(said, Expr)}
    return (
        [Known.of(f"{name}: {said}") for name, said in texts.items()],
        {name: said for name, said in declare.items() if isinstance(said, Expr)},
    )
