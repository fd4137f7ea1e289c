"""Privacy models as checks over any table: definitions, sources, nulls, and the verifier."""
