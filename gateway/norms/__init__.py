"""Standards as dated data files: vocabularies, units, grading tables, policy starters."""
