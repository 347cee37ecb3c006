"""Tests, mirrored on the packages."""
