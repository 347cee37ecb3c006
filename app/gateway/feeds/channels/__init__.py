"""One file per channel: what a frame of it holds."""
