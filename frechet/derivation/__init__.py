"""Derivations for readers: functions cut at their named parts, and one line after the other by the machine's own rules."""
