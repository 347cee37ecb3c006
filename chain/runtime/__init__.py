"""The runtime: declared pallets and the pure transition over them."""
