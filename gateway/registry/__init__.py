"""What is on record: parties, data sets, policies, grants; the use cases over the store."""
