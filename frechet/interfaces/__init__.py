"""What people and programs talk to: the command line, the batch format, the Python names."""
