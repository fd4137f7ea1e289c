"""SQL to a question: a small subset, and everything outside of it refused by its name."""
