"""Speaks gRPC: the only room, with the client, that knows protobuf."""
