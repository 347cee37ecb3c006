"""Actors: validators and miners of a development chain, which bring its subnets to life through a node's websocket."""
