"""Derivations as pages: what to expect, the lines, the result, what it says, numbers, other ways."""
