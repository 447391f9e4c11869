// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IModelRegistry} from "./IModelRegistry.sol";
import {InferenceContext} from "../types/ModelTypes.sol";

/// @title Many rows of a model under one proof
/// @notice A batch circuit is a model of its own in the registry: its inputs are those of row 0, then row 1, and so on,
/// its outputs likewise. They come packed: signed big-endian integers at the model's scales, 4 bytes an
/// input and 8 bytes an output.
interface IBatchVerifier {
    /// @notice Emitted when a batch is kept.
    event BatchStored(bytes32 indexed batchId, uint256 indexed modelId, bytes32 indexed inputCommitment, bytes outputs);

    /// @notice Thrown when the proof does not verify.
    error InvalidBatchProof();
    /// @notice Thrown when packed values do not have the length that the model demands.
    error PackedLengthMismatch(uint256 actual, uint256 expected);
    /// @notice Thrown when no batch was kept under this id.
    error BatchNotFound(bytes32 batchId);
    /// @notice Thrown when a value asked for is not among the outputs.
    error OutputsOutOfRange(uint256 first, uint256 count, uint256 available);

    /// @notice Where models and their verifiers are registered.
    function registry() external view returns (IModelRegistry);

    /// @notice The commitment to all rows' inputs: keccak256(abi.encode(BATCH_COMMITMENT_TAG, chainid, this, modelId,
    /// version, nonce, observedAt, keccak256(inputs))), tag = keccak256("plumbline.batch-commitment.v1").
    function batchCommitment(uint256 modelId, InferenceContext calldata context, bytes calldata inputs)
        external
        view
        returns (bytes32);

    /// @notice Returns if, and only if, the proof shows `outputs` for `inputs`.
    /// @return commitment What this contract computed from `inputs` and `context`; no caller's word enters it.
    function verifyBatch(
        uint256 modelId,
        InferenceContext calldata context,
        bytes calldata inputs,
        bytes calldata outputs,
        bytes calldata zkProof
    ) external view returns (bytes32 commitment);

    /// @notice As verifyBatch, and keeps that it holds; one storage slot for all rows.
    /// @return batchId keccak256(abi.encode(modelId, version, commitment, keccak256(outputs)))
    function verifyAndStoreBatch(
        uint256 modelId,
        InferenceContext calldata context,
        bytes calldata inputs,
        bytes calldata outputs,
        bytes calldata zkProof
    ) external returns (bytes32 batchId);

    /// @notice Whether a batch is kept under this id.
    function isStored(bytes32 batchId) external view returns (bool);

    /// @notice `count` outputs from place `first` on as 18-decimal fixed point, of a batch that is kept.
    function provenOutputs(
        uint256 modelId,
        uint32 version,
        bytes32 commitment,
        bytes calldata outputs,
        uint256 first,
        uint256 count
    ) external view returns (int256[] memory outputsWad);
}
