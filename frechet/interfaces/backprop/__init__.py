"""`frechet backprop`: the tables, reasons, costs and picture of a network."""
