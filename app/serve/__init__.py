"""The server shape: engine, gateways, link, signer and projector as processes that talk over local sockets."""
