"""This machine: where things lie, what it can do, what to do when it cannot."""
