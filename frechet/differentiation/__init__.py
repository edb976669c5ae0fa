"""From an expression to its derivative: differential, linear map, adjoint, Jacobian, and every view of them."""
