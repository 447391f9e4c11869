// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {InferenceContext} from "../types/ModelTypes.sol";

/// @title One proof for several feeds of one model: verified once, published by each under its own guards and root
/// @dev Stands before an InferenceVerifier, in the place where a RiskFeed calls it. A feed behind it can also be submitted
/// to alone; then the proof is verified as anywhere else. Nothing that was verified outlives its transaction. Where the
/// feeds' modules are ISharedInputs, the inputs are computed once too.
interface ISharedProofVerifier {
    /// @notice Thrown when no feed is named.
    error NoFeeds();
    /// @notice Thrown when a feed asks another contract to verify.
    error NotInGroup(address feed, address inferenceVerifier);

    /// @notice Proves and publishes the next round of every feed, or of none. Anyone may call; the proof decides.
    /// @param feeds RiskFeeds behind this contract, of one model and version, whose modules compute the same inputs. One
    /// that differs needs a proof of its own and reverts with InvalidProof.
    function submitRounds(
        address[] calldata feeds,
        uint64 observationRound,
        uint256[] calldata outputInstances,
        bytes calldata zkProof
    ) external returns (uint80[] memory roundIds);

    /// @notice As IInferenceVerifier; a proof that this transaction has verified already is not verified again.
    function verifyInputs(
        uint256 modelId,
        InferenceContext calldata context,
        int256[] calldata inputs,
        uint256[] calldata outputInstances,
        bytes calldata zkProof
    ) external view returns (int256[] memory outputsWad, bytes32 commitment);

    /// @notice As IInferenceVerifier: the commitment is the one of the verifier behind.
    function inputCommitment(uint256 modelId, InferenceContext calldata context, uint256[] calldata inputInstances)
        external
        view
        returns (bytes32);

    /// @notice As IInferenceVerifier: the registry that the verifier behind looks models up in.
    function registry() external view returns (address);

    /// @notice The InferenceVerifier behind.
    function inferenceVerifier() external view returns (address);
}
