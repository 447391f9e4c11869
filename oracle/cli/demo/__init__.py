"""The main job, end to end, on one machine: a real market replayed into proofs, and what they do to a loan."""
