// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERCZKMLVerifier} from "./IERCZKMLVerifier.sol";
import {IERCZKMLStorageExtension} from "./IERCZKMLStorageExtension.sol";
import {InferenceContext} from "../types/ModelTypes.sol";

/// @title Plumbline's verifier: ERC-7992 plus the typed entry for contracts that know the inputs themselves
interface IInferenceVerifier is IERCZKMLVerifier, IERCZKMLStorageExtension {
    /// @notice Thrown when an instance is not below the BN254 scalar field's modulus.
    error InstanceNotInField(uint256 index, uint256 value);
    /// @notice Thrown when a decoded value's magnitude reaches 2^63.
    error ValueOutOfRange(uint256 index, uint256 felt);
    /// @notice Thrown when the number of instances, inputs or outputs is not the model's.
    error InstanceCountMismatch(uint256 actual, uint256 expected);
    /// @notice Thrown when no inference was stored under this id.
    error InferenceNotFound(bytes32 inferenceId);

    /// @notice The commitment to the inputs of one inference.
    /// @dev keccak256(abi.encode(INPUT_COMMITMENT_TAG, chainid, this, modelId, version, nonce, observedAt,
    /// keccak256(abi.encodePacked(inputInstances)))), tag = keccak256("plumbline.input-commitment.v1").
    function inputCommitment(uint256 modelId, InferenceContext calldata context, uint256[] calldata inputInstances)
        external
        view
        returns (bytes32);

    /// @notice Verifies a proof over inputs that the caller itself computed.
    /// @param inputs Signed integers at the model's input scale; the instances are built from them here.
    /// @param outputInstances Field elements as the prover claims them.
    /// @return outputsWad The outputs as 18-decimal fixed point.
    /// @return commitment The input commitment under `context`.
    function verifyInputs(
        uint256 modelId,
        InferenceContext calldata context,
        int256[] calldata inputs,
        uint256[] calldata outputInstances,
        bytes calldata zkProof
    ) external view returns (int256[] memory outputsWad, bytes32 commitment);

    /// @notice The outputs of an instance array of this model as 18-decimal fixed point, checked for range.
    function decodeOutputs(uint256 modelId, uint32 version, uint256[] calldata outputInstances)
        external
        view
        returns (int256[] memory outputsWad);
}
