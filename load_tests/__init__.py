"""Benchmarks beside the baselines they beat; see README.md."""
