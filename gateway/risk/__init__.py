"""How exposed is the result: what is left of grades."""
