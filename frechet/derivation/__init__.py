"""Derivations: functions cut at their named parts, and what is carried from part to part."""
