"""What clients ask a node over its websocket."""
