"""Benchmarks: commands that print ratios measured in one run. They assert nothing."""
