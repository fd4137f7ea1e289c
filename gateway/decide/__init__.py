"""MAY they? Pure: a request and the facts in, a decision with its reasons out."""
