"""A gateway through which data holders share records, protected, measured, sealed and logged."""

__version__ = "0.1.0"
