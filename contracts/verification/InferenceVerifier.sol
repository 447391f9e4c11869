// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IERCZKMLStorageExtension} from "../interfaces/IERCZKMLStorageExtension.sol";
import {IERCZKMLVerifier} from "../interfaces/IERCZKMLVerifier.sol";
import {IProofVerifier} from "../interfaces/IProofVerifier.sol";
import {IInferenceVerifier} from "../interfaces/IInferenceVerifier.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {FieldElements} from "../libraries/FieldElements.sol";
import {ProofSystems} from "../libraries/ProofSystems.sol";
import {InferenceContext, VerifierSpec} from "../types/ModelTypes.sol";

/// @title Verifies inferences of registered models and says what their outputs mean
/// @dev The generated verifiers read their calldata at fixed places, so no byte of a caller's encoding ever reaches one:
/// what goes there is encoded here, from values that were decoded here.
contract InferenceVerifier is IInferenceVerifier, ERC165 {
    bytes32 public constant INPUT_COMMITMENT_TAG = keccak256("plumbline.input-commitment.v1");

    struct StoredInference {
        uint256 modelId;
        bytes32 inputCommitment;
        bytes output;
    }

    IModelRegistry private immutable _registry;
    mapping(bytes32 inferenceId => StoredInference) private _inferences;

    constructor(IModelRegistry registry_) {
        _registry = registry_;
    }

    // --- The typed entry ---

    /// @inheritdoc IInferenceVerifier
    function verifyInputs(
        uint256 modelId,
        InferenceContext calldata context,
        int256[] calldata inputs,
        uint256[] calldata outputInstances,
        bytes calldata zkProof
    ) external view returns (int256[] memory outputsWad, bytes32 commitment) {
        VerifierSpec memory spec = _registry.verifierOf(modelId, context.version);
        _requireCount(inputs.length, spec.inputCount);
        _requireCount(outputInstances.length, spec.outputCount);
        uint256[] memory instances = _instances(inputs, outputInstances);
        outputsWad = _decodeOutputs(spec, outputInstances);
        commitment = _commitment(modelId, context, _hashWords(instances, spec.inputCount));
        _requireProof(spec.verifier, zkProof, instances);
    }

    /// @inheritdoc IInferenceVerifier
    function inputCommitment(uint256 modelId, InferenceContext calldata context, uint256[] calldata inputInstances)
        external
        view
        returns (bytes32)
    {
        for (uint256 i; i < inputInstances.length; ++i) {
            _requireInField(inputInstances[i], i);
        }
        return _commitment(modelId, context, keccak256(abi.encodePacked(inputInstances)));
    }

    /// @inheritdoc IInferenceVerifier
    function decodeOutputs(uint256 modelId, uint32 version, uint256[] calldata outputInstances)
        external
        view
        returns (int256[] memory outputsWad)
    {
        VerifierSpec memory spec = _registry.verifierOf(modelId, version);
        _requireCount(outputInstances.length, spec.outputCount);
        return _decodeOutputs(spec, outputInstances);
    }

    // --- ERC-7992 ---

    /// @inheritdoc IERCZKMLVerifier
    /// @dev Only against the model's current version, as the ERC demands; a superseded one goes through `verifyInputs`.
    function verifyInference(uint256 modelId, bytes32 claimedCommitment, bytes calldata output, bytes calldata proof)
        public
    {
        _requireCurrentSystem(modelId);
        try this.decodeProof(proof) returns (
            bytes memory zkProof, uint256[] memory instances, InferenceContext memory context
        ) {
            _verifyClaim(modelId, claimedCommitment, output, zkProof, instances, context);
        } catch {
            revert InvalidProof();
        }
        emit InferenceVerified(modelId, claimedCommitment, output, msg.sender);
    }

    /// @inheritdoc IERCZKMLStorageExtension
    /// @dev Storing an inference again changes nothing and emits no second `InferenceStored`.
    function verifyAndStoreInference(
        uint256 modelId,
        bytes32 claimedCommitment,
        bytes calldata output,
        bytes calldata proof
    ) external returns (bytes32 inferenceId) {
        verifyInference(modelId, claimedCommitment, output, proof);
        inferenceId = keccak256(abi.encodePacked(modelId, claimedCommitment, output));
        if (_inferences[inferenceId].modelId != 0) return inferenceId;
        _inferences[inferenceId] = StoredInference(modelId, claimedCommitment, output);
        emit InferenceStored(inferenceId);
    }

    /// @inheritdoc IERCZKMLStorageExtension
    function getInference(bytes32 inferenceId)
        external
        view
        returns (uint256 modelId, bytes32 commitment, bytes memory output)
    {
        StoredInference storage stored = _inferences[inferenceId];
        if (stored.modelId == 0) revert InferenceNotFound(inferenceId);
        return (stored.modelId, stored.inputCommitment, stored.output);
    }

    /// @inheritdoc IERCZKMLVerifier
    function proofSystemOf(uint256 modelId) external view returns (bytes4) {
        (IModelRegistry.ModelCommitment memory commitment,,) = _registry.getModel(modelId);
        return commitment.proofSystemId;
    }

    /// @inheritdoc IERCZKMLVerifier
    function registry() external view returns (address) {
        return address(_registry);
    }

    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IERCZKMLVerifier).interfaceId
            || interfaceId == type(IERCZKMLStorageExtension).interfaceId || super.supportsInterface(interfaceId);
    }

    /// @notice What a `proof` argument holds; reverts unless it is the one encoding of that.
    function decodeProof(bytes calldata proof)
        external
        pure
        returns (bytes memory zkProof, uint256[] memory instances, InferenceContext memory context)
    {
        (zkProof, instances, context) = abi.decode(proof, (bytes, uint256[], InferenceContext));
        if (keccak256(abi.encode(zkProof, instances, context)) != keccak256(proof)) revert InvalidProof();
    }

    // --- Helpers ---

    function _requireCurrentSystem(uint256 modelId) private view {
        (IModelRegistry.ModelCommitment memory commitment, bool deprecated,) = _registry.getModel(modelId);
        if (deprecated) revert VerificationRefused_ModelDeprecated(modelId);
        bytes4 proofSystemId = commitment.proofSystemId;
        if (!ProofSystems.isKnown(proofSystemId)) revert UnsupportedProofSystem(proofSystemId);
    }

    function _verifyClaim(
        uint256 modelId,
        bytes32 claimedCommitment,
        bytes calldata output,
        bytes memory zkProof,
        uint256[] memory instances,
        InferenceContext memory context
    ) private view {
        if (context.version != _registry.currentVersion(modelId)) revert ModelMismatch();
        VerifierSpec memory spec = _registry.verifierOf(modelId, context.version);
        uint256 inputCount = spec.inputCount;
        _requireCount(instances.length, inputCount + spec.outputCount);
        for (uint256 i; i < inputCount; ++i) {
            _requireInField(instances[i], i);
        }
        if (_commitment(modelId, context, _hashWords(instances, inputCount)) != claimedCommitment) {
            revert InputCommitmentMismatch();
        }
        uint256[] memory outputInstances = new uint256[](spec.outputCount);
        for (uint256 i; i < outputInstances.length; ++i) {
            outputInstances[i] = instances[inputCount + i];
        }
        if (keccak256(abi.encode(_decodeOutputs(spec, outputInstances))) != keccak256(output)) revert OutputMismatch();
        _requireProof(spec.verifier, zkProof, instances);
    }

    /// @dev A proof that fails reverts inside the verifier without data; an account that is no verifier returns nothing.
    function _requireProof(address verifier, bytes memory zkProof, uint256[] memory instances) private view {
        (bool success, bytes memory result) =
            verifier.staticcall(abi.encodeCall(IProofVerifier.verifyProof, (zkProof, instances)));
        if (!success || result.length != 32 || abi.decode(result, (uint256)) != 1) revert InvalidProof();
    }

    function _commitment(uint256 modelId, InferenceContext memory context, bytes32 inputsHash)
        private
        view
        returns (bytes32)
    {
        return keccak256(
            abi.encode(
                INPUT_COMMITMENT_TAG,
                block.chainid,
                address(this),
                modelId,
                context.version,
                context.nonce,
                context.observedAt,
                inputsHash
            )
        );
    }

    /// @dev An error of an output carries its place among the outputs.
    function _decodeOutputs(VerifierSpec memory spec, uint256[] memory outputInstances)
        private
        pure
        returns (int256[] memory outputsWad)
    {
        outputsWad = new int256[](outputInstances.length);
        bytes memory scales = spec.outputScaleBits;
        for (uint256 i; i < outputInstances.length; ++i) {
            uint8 scaleBits = uint8(scales.length == 1 ? scales[0] : scales[i]);
            outputsWad[i] = FieldElements.toWad(FieldElements.toInt(outputInstances[i], i), scaleBits);
        }
    }

    function _instances(int256[] calldata inputs, uint256[] calldata outputInstances)
        private
        pure
        returns (uint256[] memory instances)
    {
        uint256 inputCount = inputs.length;
        instances = new uint256[](inputCount + outputInstances.length);
        for (uint256 i; i < inputCount; ++i) {
            instances[i] = FieldElements.fromInt(inputs[i], i);
        }
        for (uint256 i; i < outputInstances.length; ++i) {
            instances[inputCount + i] = outputInstances[i];
        }
    }

    /// @dev keccak256(abi.encodePacked(words[0:count])) without the copy. `count` is at most words.length.
    function _hashWords(uint256[] memory words, uint256 count) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            hash := keccak256(add(words, 0x20), shl(5, count))
        }
    }

    function _requireCount(uint256 actual, uint256 expected) private pure {
        if (actual != expected) revert InstanceCountMismatch(actual, expected);
    }

    function _requireInField(uint256 value, uint256 index) private pure {
        if (value >= FieldElements.MODULUS) revert InstanceNotInField(index, value);
    }
}
