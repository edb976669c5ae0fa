"""Numerical checks of derivatives: at random points, against differences of the function itself.

sampling draws points at which an expression is finite; check compares differentials, gradients, adjoints, Jacobians and
Hessians with what differences say.
"""
