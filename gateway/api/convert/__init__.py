"""Between protobuf and the model: shape is checked here, once, before anything else runs."""
