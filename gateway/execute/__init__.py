"""Runs plans over data where it lives: the holders' sources, and the local executor."""
