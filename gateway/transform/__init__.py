"""Arrow in, Arrow out: what is done to a column, pure given its key and entropy."""
