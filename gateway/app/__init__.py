"""The composition root: the only room that knows which concrete class stands behind a port."""
