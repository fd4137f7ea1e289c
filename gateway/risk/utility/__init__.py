"""How useful is the result: what was lost, and by whom."""
