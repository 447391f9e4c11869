"""ModelStatus of contracts/types/ModelTypes.sol, by name."""

NONE, PROPOSED, TIMELOCKED, ACTIVE, SUPERSEDED, DEPRECATED, REVOKED = range(7)
