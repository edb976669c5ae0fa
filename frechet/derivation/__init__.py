"""Derivations for readers: the same rules and adjoints as the machine's, one line after the other."""
