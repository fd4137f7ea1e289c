"""One servicer a service: convert, call one use case, convert back."""
