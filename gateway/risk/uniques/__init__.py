"""Which columns single people out: how well sets of them tell records apart, and whom by how few."""
