"""HOW, and at what cost? Pure: a permitted decision in, a complete plan out."""
