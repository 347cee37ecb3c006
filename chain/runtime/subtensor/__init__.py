"""Subnets, stake and emission."""
