// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {TransientSlot} from "@openzeppelin/contracts/utils/TransientSlot.sol";

import {IFeatureModule} from "../interfaces/IFeatureModule.sol";
import {IInferenceVerifier} from "../interfaces/IInferenceVerifier.sol";
import {IRiskFeed} from "../interfaces/IRiskFeed.sol";
import {ISharedInputs} from "../interfaces/ISharedInputs.sol";
import {ISharedProofVerifier} from "../interfaces/ISharedProofVerifier.sol";
import {FieldElements} from "../libraries/FieldElements.sol";
import {InferenceContext} from "../types/ModelTypes.sol";

/// @title One proof for several feeds of one model
/// @dev What is remembered, in transient storage, is that a proof holds for a model version, inputs and outputs: all that
/// verification depends on. A feed's commitment, guards and root stay its own.
contract SharedProofVerifier is ISharedProofVerifier {
    using TransientSlot for *;

    IInferenceVerifier private immutable _verifier;

    constructor(IInferenceVerifier verifier) {
        _verifier = verifier;
    }

    /// @inheritdoc ISharedProofVerifier
    function submitRounds(
        address[] calldata feeds,
        uint64 observationRound,
        uint256[] calldata outputInstances,
        bytes calldata zkProof
    ) external returns (uint80[] memory roundIds) {
        uint256 count = feeds.length;
        if (count == 0) revert NoFeeds();
        // a module that shares no inputs has no such function; what else fails here fails again where it counts
        try ISharedInputs(IRiskFeed(feeds[0]).featureModule()).prepareInputs(observationRound) {} catch {}
        bytes32 statement = _proven(IRiskFeed(feeds[0]), observationRound, outputInstances, zkProof);
        statement.asBoolean().tstore(true);
        roundIds = new uint80[](count);
        for (uint256 i; i < count; ++i) {
            address asked = IRiskFeed(feeds[i]).inferenceVerifier();
            if (asked != address(this)) revert NotInGroup(feeds[i], asked);
            roundIds[i] = IRiskFeed(feeds[i]).submitRound(observationRound, outputInstances, zkProof);
        }
        statement.asBoolean().tstore(false);
    }

    /// @inheritdoc ISharedProofVerifier
    function verifyInputs(
        uint256 modelId,
        InferenceContext calldata context,
        int256[] calldata inputs,
        uint256[] calldata outputInstances,
        bytes calldata zkProof
    ) external view returns (int256[] memory outputsWad, bytes32 commitment) {
        bytes32 statement =
            _statement(modelId, context.version, keccak256(abi.encodePacked(inputs)), outputInstances, zkProof);
        if (!statement.asBoolean().tload()) {
            return _verifier.verifyInputs(modelId, context, inputs, outputInstances, zkProof);
        }
        outputsWad = _verifier.decodeOutputs(modelId, context.version, outputInstances);
        commitment = _verifier.inputCommitment(modelId, context, _felts(inputs));
    }

    /// @inheritdoc ISharedProofVerifier
    function inputCommitment(uint256 modelId, InferenceContext calldata context, uint256[] calldata inputInstances)
        external
        view
        returns (bytes32)
    {
        return _verifier.inputCommitment(modelId, context, inputInstances);
    }

    /// @inheritdoc ISharedProofVerifier
    function registry() external view returns (address) {
        return _verifier.registry();
    }

    /// @inheritdoc ISharedProofVerifier
    function inferenceVerifier() external view returns (address) {
        return address(_verifier);
    }

    /// @dev Verifies the proof over a feed's inputs and returns what was shown.
    function _proven(
        IRiskFeed feed,
        uint64 observationRound,
        uint256[] calldata outputInstances,
        bytes calldata zkProof
    ) private view returns (bytes32) {
        (uint256 modelId, uint32 version) = (feed.modelId(), feed.modelVersion());
        (int256[] memory inputs, uint64 observedAt) = IFeatureModule(feed.featureModule()).inputs(observationRound);
        InferenceContext memory context = InferenceContext({version: version, observedAt: observedAt, nonce: 0});
        _verifier.verifyInputs(modelId, context, inputs, outputInstances, zkProof);
        return _statement(modelId, version, _hash(inputs), outputInstances, zkProof);
    }

    function _statement(
        uint256 modelId,
        uint32 version,
        bytes32 inputsHash,
        uint256[] calldata outputInstances,
        bytes calldata zkProof
    ) private pure returns (bytes32) {
        return keccak256(abi.encode(modelId, version, inputsHash, outputInstances, keccak256(zkProof)));
    }

    /// @dev keccak256(abi.encodePacked(values)) without the copy.
    function _hash(int256[] memory values) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            hash := keccak256(add(values, 0x20), shl(5, mload(values)))
        }
    }

    /// @dev As FieldElements.fromInts, of inputs that were verified in this transaction: their range is known to be right.
    function _felts(int256[] calldata inputs) private pure returns (uint256[] memory felts) {
        felts = new uint256[](inputs.length);
        uint256 modulus = FieldElements.MODULUS;
        assembly ("memory-safe") {
            let to := add(felts, 0x20)
            for { let i := 0 } lt(i, shl(5, inputs.length)) { i := add(i, 0x20) } {
                let value := calldataload(add(inputs.offset, i))
                mstore(add(to, i), add(value, mul(modulus, slt(value, 0))))
            }
        }
    }
}
