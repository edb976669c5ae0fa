"""Where the gradient of a function is 0, by formula."""
