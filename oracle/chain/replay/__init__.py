"""Replays on a local chain: the contracts get the calls that the twins recorded, and must end where the twins do."""
