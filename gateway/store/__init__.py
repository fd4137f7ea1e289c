"""What the gateway remembers: records, keys, signatures and staged streams."""
