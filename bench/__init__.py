"""Benchmarks: one command, ratios against ezkl's own defaults in the same run. Seconds are printed, never asserted."""
