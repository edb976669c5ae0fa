"""Linear maps at a point, as numbers: products, solutions, determinants by their structure.

The structures are those of `frechet.differentiation.map_structure`; `building` makes one of these of each.
"""
