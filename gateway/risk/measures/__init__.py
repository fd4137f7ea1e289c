"""Measures of risk: how likely a stated attacker is to find a person in a table."""
