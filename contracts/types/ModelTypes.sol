// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice Life of one version of a model. A version only ever moves forward through these states.
enum ModelStatus {
    None, // never registered
    Proposed, // commitment known, no verifier bound yet
    Timelocked, // verifier bound, waits for `activatableAt`
    Active, // proofs against it are accepted
    Superseded, // a later version of the same model became active; pinned users may finish on it
    Deprecated, // the owner withdrew the model; nothing verifies against it
    Revoked // guardian or owner found it broken; nothing verifies against it
}

/// @notice The on-chain verifier of one model version and how its instances are laid out.
/// @dev Instances are `inputCount` inputs followed by `outputCount` outputs. A signed integer `v` at `scaleBits` b stands
/// for v / 2^b. The scale arrays hold one byte for each value, or exactly one byte that serves all.
struct VerifierSpec {
    address verifier;
    bytes32 verifierCodeHash;
    uint32 inputCount;
    uint32 outputCount;
    bytes inputScaleBits;
    bytes outputScaleBits;
}

/// @notice What a proof is made for, beside the model: part of every input commitment.
/// @dev `nonce` is a salt, a request id, or keccak256(abi.encode(feed, roundId)) for a feed's round.
struct InferenceContext {
    uint32 version;
    uint64 observedAt; // unix seconds
    bytes32 nonce;
}
