"""Rewriting that searches: common factors, expansion where it makes a result shorter, names for known patterns.

The normal form that needs no search is kept by the constructors in `frechet.operations`.
"""
