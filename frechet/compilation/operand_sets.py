"""What the labels alone tell of sets of operands of a contraction: which labels are left of a product, what it costs.

Contractions of other operands with the same labels share it, and a program has many: of layers, and of the forms that
are tried of one product. Sets are bit masks, of operands and of labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from math import prod

from frechet.compilation.timing import Rates
from frechet.compilation.values import Labels


class OperandSets:
    """The sets of operands that have the labels `ins`, of a contraction with the axes `out`.

    lengths: of the axes, by label
    bits: the labels of each operand
    """

    def __init__(self, ins: Sequence[Labels], out: Labels, lengths: Sequence[int], rates: Rates) -> None:
        self.rates, self.lengths = rates, lengths
        self.everything = (1 << len(ins)) - 1
        self.bits = [sum(1 << k for k in {*labels}) for labels in ins]
        self.out = sum(1 << k for k in {*out})
        self._inside: dict[int, int] = {}
        self._left: dict[int, int] = {}
        self._sizes: dict[int, int] = {}
        self._joined: dict[tuple[int, int], float] = {}
        self._connected: dict[int, list[int]] = {}

    def inside(self, mask: int) -> int:
        """All labels of these operands."""
        found = self._inside.get(mask)
        if found is None:
            found = 0
            for i in bits_of(mask):
                found |= self.bits[i]
            self._inside[mask] = found
        return found

    def left(self, mask: int) -> int:
        """The labels of a product of these operands that something else needs."""
        found = self._left.get(mask)
        if found is None:
            found = self._left[mask] = self.inside(mask) & (self.inside(self.everything ^ mask) | self.out)
        return found

    def kept(self, mask: int) -> Labels:
        """The same as a tuple."""
        return bits_of(self.left(mask))

    def put_together(self, a: int, b: int, having: Mapping[int, int]) -> None:
        """Enters what labels two products have together, and which are left, from what is known of each.

        having: of each label the operands that have it
        """
        if a | b not in self._left:
            self._inside[a | b] = self.inside(a) | self.inside(b)
            both = self.left(a) & self.left(b) & ~self.out
            ended = sum(1 << k for k in bits_of(both) if not having[k] & ~(a | b))
            self._left[a | b] = (self.left(a) | self.left(b)) ^ ended

    def size(self, labels: int) -> int:
        """The product of the lengths of some labels."""
        found = self._sizes.get(labels)
        if found is None:
            found = self._sizes[labels] = prod(self.lengths[k] for k in bits_of(labels))
        return found

    def entries(self, mask: int) -> int:
        """Of the product of these operands."""
        return self.size(self.left(mask))

    def joined(self, a: int, b: int) -> float:
        """The time to multiply the products of two sets of operands."""
        found = self._joined.get((a, b))
        if found is None:
            left = self.left
            found = self._joined[a, b] = self.rates.joined(left(a), left(b), left(a | b), self.size)
        return found

    def connected(self, whole: int) -> list[int]:
        """The sets of more than one of these operands that labels join, smaller ones first."""
        found = self._connected.get(whole)
        if found is None:
            bits = self.bits
            beside = {i: sum(1 << j for j in bits_of(whole) if bits[i] & bits[j]) for i in bits_of(whole)}
            masks = []
            mask = whole
            while mask:
                if mask.bit_count() > 1 and _hangs_together(mask, beside):
                    masks.append(mask)
                mask = (mask - 1) & whole
            found = self._connected[whole] = sorted(masks, key=int.bit_count)
        return found


def _hangs_together(mask: int, beside: Mapping[int, int]) -> bool:
    """Are these operands joined by labels? beside: of each operand those that it has a label with."""
    reached = new = mask & -mask
    while new:
        around = 0
        for i in bits_of(new):
            around |= beside[i]
        new = around & mask & ~reached
        reached |= new
    return reached == mask


@cache
def _few_bits(mask: int) -> Labels:
    return _bits(mask)


def _bits(mask: int) -> Labels:
    found = []
    while mask:
        found.append((mask & -mask).bit_length() - 1)
        mask &= mask - 1
    return tuple(found)


def bits_of(mask: int) -> Labels:
    """The places of the ones of a bit mask, in their order."""
    return _few_bits(mask) if mask < 4096 else _bits(mask)
