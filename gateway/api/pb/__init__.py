"""Code generated from the protos by `make proto`; not edited by hand."""
