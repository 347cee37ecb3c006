"""SCALE: declared types, strict codec, generated metadata."""
