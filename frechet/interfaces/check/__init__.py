"""`frechet check`: the verdict on an answer, in words and as data."""
