"""Reading and writing expressions: text, and later other notations."""
