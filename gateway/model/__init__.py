"""The nouns: frozen values that check themselves once; no I/O."""
