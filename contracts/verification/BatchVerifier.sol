// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IBatchVerifier} from "../interfaces/IBatchVerifier.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IPackedVerifier} from "../interfaces/IPackedVerifier.sol";
import {FieldElements} from "../libraries/FieldElements.sol";
import {InferenceContext, VerifierSpec} from "../types/ModelTypes.sol";

/// @title Verifies batches: many rows of a model under one proof
/// @dev What is hashed into the commitment, what becomes instances, and what is decoded are the same bytes
/// of calldata, encoded anew for the verifier.
contract BatchVerifier is IBatchVerifier {
    bytes32 public constant BATCH_COMMITMENT_TAG = keccak256("plumbline.batch-commitment.v1");
    uint256 private constant INPUT_BYTES = 4;
    uint256 private constant OUTPUT_BYTES = 8;

    /// @inheritdoc IBatchVerifier
    IModelRegistry public immutable registry;
    mapping(bytes32 batchId => bool) private _stored;

    constructor(IModelRegistry registry_) {
        registry = registry_;
    }

    /// @inheritdoc IBatchVerifier
    function verifyBatch(
        uint256 modelId,
        InferenceContext calldata context,
        bytes calldata inputs,
        bytes calldata outputs,
        bytes calldata zkProof
    ) public view returns (bytes32 commitment) {
        VerifierSpec memory spec = registry.verifierOf(modelId, context.version);
        _requireLength(inputs, spec.inputCount * INPUT_BYTES);
        _requireLength(outputs, spec.outputCount * OUTPUT_BYTES);
        (bool success, bytes memory result) =
            spec.verifier.staticcall(abi.encodeCall(IPackedVerifier.verifyPacked, (zkProof, inputs, outputs)));
        if (!success || result.length != 32 || abi.decode(result, (uint256)) != 1) revert InvalidBatchProof();
        return batchCommitment(modelId, context, inputs);
    }

    /// @inheritdoc IBatchVerifier
    /// @dev Keeping a batch again changes nothing and emits no second event.
    function verifyAndStoreBatch(
        uint256 modelId,
        InferenceContext calldata context,
        bytes calldata inputs,
        bytes calldata outputs,
        bytes calldata zkProof
    ) external returns (bytes32 batchId) {
        bytes32 commitment = verifyBatch(modelId, context, inputs, outputs, zkProof);
        batchId = _batchId(modelId, context.version, commitment, outputs);
        if (_stored[batchId]) return batchId;
        _stored[batchId] = true;
        emit BatchStored(batchId, modelId, commitment, outputs);
    }

    /// @inheritdoc IBatchVerifier
    function provenOutputs(
        uint256 modelId,
        uint32 version,
        bytes32 commitment,
        bytes calldata outputs,
        uint256 first,
        uint256 count
    ) external view returns (int256[] memory outputsWad) {
        bytes32 batchId = _batchId(modelId, version, commitment, outputs);
        if (!_stored[batchId]) revert BatchNotFound(batchId);
        VerifierSpec memory spec = registry.verifierOf(modelId, version);
        uint256 available = spec.outputCount;
        if (first > available || count > available - first) revert OutputsOutOfRange(first, count, available);
        bytes memory scales = spec.outputScaleBits;
        outputsWad = new int256[](count);
        for (uint256 i; i < count; ++i) {
            uint256 place = first + i;
            int256 value = int64(uint64(bytes8(outputs[place * OUTPUT_BYTES:])));
            outputsWad[i] = FieldElements.toWad(value, uint8(scales.length == 1 ? scales[0] : scales[place]));
        }
    }

    /// @inheritdoc IBatchVerifier
    function isStored(bytes32 batchId) external view returns (bool) {
        return _stored[batchId];
    }

    /// @inheritdoc IBatchVerifier
    function batchCommitment(uint256 modelId, InferenceContext calldata context, bytes calldata inputs)
        public
        view
        returns (bytes32)
    {
        return keccak256(
            abi.encode(
                BATCH_COMMITMENT_TAG,
                block.chainid,
                address(this),
                modelId,
                context.version,
                context.nonce,
                context.observedAt,
                keccak256(inputs)
            )
        );
    }

    function _batchId(uint256 modelId, uint32 version, bytes32 commitment, bytes calldata outputs)
        private
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(modelId, version, commitment, keccak256(outputs)));
    }

    function _requireLength(bytes calldata values, uint256 expected) private pure {
        if (values.length != expected) revert PackedLengthMismatch(values.length, expected);
    }
}
