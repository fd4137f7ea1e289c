"""What can be got out of a release: attacks that are run on it before it is sealed."""
