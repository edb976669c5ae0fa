"""What an expression is: dimensions, shapes, spaces, hash-consed nodes and the record of an operation."""
