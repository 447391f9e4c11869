// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IERCZKMLRegistry} from "../interfaces/IERCZKMLRegistry.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {ProofSystems} from "../libraries/ProofSystems.sol";
import {ModelStatus, VerifierSpec} from "../types/ModelTypes.sol";

/// @title Models, their versions, and the one verifier of each version
/// @notice Versioning policy: versions count from 1 and only the newest can be staged. `updateModel` stages a version behind
/// the current one; the verifier is bound to it once, which starts its timelock; after that anyone makes it current, and
/// the one before becomes Superseded. A second version cannot be staged until the first is active or revoked, so a
/// running timelock is never restarted. Identifiers are never reused and never change what they mean.
contract ModelRegistry is IModelRegistry, AccessControl {
    bytes32 public constant GUARDIAN_ROLE = keccak256("GUARDIAN_ROLE");

    uint8 private constant MAX_SCALE_BITS = 63;
    uint8 private constant SCALE_PER_VALUE = type(uint8).max;

    struct Model {
        address owner;
        uint32 current;
        uint32 latest;
        bool deprecated;
    }

    /// @dev The first slot and the hash are all that a verification reads when one scale serves all values.
    struct Version {
        address verifier;
        uint32 inputCount;
        uint32 outputCount;
        ModelStatus status;
        uint8 inputScale; // SCALE_PER_VALUE: see inputScaleBits
        uint8 outputScale; // SCALE_PER_VALUE: see outputScaleBits
        bytes32 verifierCodeHash;
        uint64 activatableAt;
        bytes inputScaleBits;
        bytes outputScaleBits;
        ModelCommitment commitment;
    }

    /// @inheritdoc IModelRegistry
    uint64 public immutable activationDelay;
    /// @inheritdoc IModelRegistry
    uint256 public modelCount;

    mapping(uint256 modelId => Model) private _models;
    mapping(uint256 modelId => mapping(uint32 version => Version)) private _versions;

    /// @param admin Grants and takes roles; may be a timelock.
    /// @param guardian May revoke any version, and nothing else.
    /// @param activationDelay_ Seconds; zero only where nobody's money hangs on it.
    constructor(address admin, address guardian, uint64 activationDelay_) {
        activationDelay = activationDelay_;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(GUARDIAN_ROLE, guardian);
    }

    // --- Changes ---

    /// @inheritdoc IERCZKMLRegistry
    function registerModel(ModelCommitment calldata commitment) public returns (uint256 modelId) {
        modelId = ++modelCount;
        _models[modelId].owner = msg.sender;
        _stage(modelId, commitment);
        emit ModelRegistered(modelId, msg.sender, commitment);
    }

    /// @inheritdoc IModelRegistry
    function registerModelWithVerifier(ModelCommitment calldata commitment, VerifierSpec calldata spec)
        external
        returns (uint256 modelId)
    {
        modelId = registerModel(commitment);
        bindVerifier(modelId, spec);
        if (activationDelay == 0) activate(modelId);
    }

    /// @inheritdoc IERCZKMLRegistry
    function updateModel(uint256 modelId, ModelCommitment calldata newCommitment) external {
        _requireLiveOwned(modelId);
        uint32 latest = _models[modelId].latest;
        ModelStatus status = _versions[modelId][latest].status;
        if (status == ModelStatus.Proposed || status == ModelStatus.Timelocked) {
            revert WrongModelStatus(modelId, latest, status);
        }
        uint32 version = _stage(modelId, newCommitment);
        emit ModelUpdateProposed(modelId, version, newCommitment);
    }

    /// @inheritdoc IModelRegistry
    function bindVerifier(uint256 modelId, VerifierSpec calldata spec) public {
        _requireLiveOwned(modelId);
        uint32 version = _models[modelId].latest;
        Version storage staged = _versions[modelId][version];
        if (staged.status != ModelStatus.Proposed) revert WrongModelStatus(modelId, version, staged.status);
        _checkSpec(spec);
        _requireCode(spec.verifier, spec.verifierCodeHash);

        staged.verifier = spec.verifier;
        staged.verifierCodeHash = spec.verifierCodeHash;
        staged.inputCount = spec.inputCount;
        staged.outputCount = spec.outputCount;
        (staged.inputScale, staged.inputScaleBits) = _packScales(spec.inputScaleBits);
        (staged.outputScale, staged.outputScaleBits) = _packScales(spec.outputScaleBits);
        staged.status = ModelStatus.Timelocked;
        uint64 activatableAt = uint64(block.timestamp) + activationDelay;
        staged.activatableAt = activatableAt;
        emit VerifierBound(modelId, version, spec.verifier, activatableAt);
    }

    /// @inheritdoc IModelRegistry
    function activate(uint256 modelId) public {
        Model storage model = _requireModel(modelId);
        if (model.deprecated) revert ModelIsDeprecated(modelId);
        (uint32 version, uint32 previous) = (model.latest, model.current);
        Version storage staged = _versions[modelId][version];
        if (staged.status != ModelStatus.Timelocked) revert WrongModelStatus(modelId, version, staged.status);
        if (block.timestamp < staged.activatableAt) {
            revert ActivationTooEarly(modelId, version, staged.activatableAt);
        }
        _requireCode(staged.verifier, staged.verifierCodeHash);

        staged.status = ModelStatus.Active;
        model.current = version;
        emit ModelActivated(modelId, version);
        if (previous == 0) return;
        Version storage replaced = _versions[modelId][previous];
        if (replaced.status == ModelStatus.Active) replaced.status = ModelStatus.Superseded;
        emit ModelUpdated(modelId, replaced.commitment, staged.commitment);
    }

    /// @inheritdoc IModelRegistry
    function revokeVersion(uint256 modelId, uint32 version) external {
        Model storage model = _requireModel(modelId);
        if (msg.sender != model.owner && !hasRole(GUARDIAN_ROLE, msg.sender)) {
            revert NotModelOwner(modelId, msg.sender);
        }
        Version storage revoked = _requireVersion(modelId, version);
        if (revoked.status == ModelStatus.Revoked) revert WrongModelStatus(modelId, version, revoked.status);
        revoked.status = ModelStatus.Revoked;
        emit ModelRevoked(modelId, version, msg.sender);
    }

    /// @inheritdoc IERCZKMLRegistry
    function deprecateModel(uint256 modelId) external {
        _requireLiveOwned(modelId);
        _models[modelId].deprecated = true;
        emit ModelDeprecated(modelId);
    }

    // --- Reads ---

    /// @inheritdoc IERCZKMLRegistry
    /// @dev Before the first activation the commitment is the newest version's.
    function getModel(uint256 modelId)
        external
        view
        returns (ModelCommitment memory commitment, bool deprecated, address owner)
    {
        Model storage model = _requireModel(modelId);
        uint32 version = model.current == 0 ? model.latest : model.current;
        return (_versions[modelId][version].commitment, model.deprecated, model.owner);
    }

    /// @inheritdoc IModelRegistry
    function currentVersion(uint256 modelId) external view returns (uint32) {
        return _requireModel(modelId).current;
    }

    /// @inheritdoc IModelRegistry
    function latestVersion(uint256 modelId) external view returns (uint32) {
        return _requireModel(modelId).latest;
    }

    /// @inheritdoc IModelRegistry
    function getVersion(uint256 modelId, uint32 version) external view returns (ModelVersion memory) {
        Model storage model = _requireModel(modelId);
        Version storage stored = _requireVersion(modelId, version);
        bool withdrawn = model.deprecated && stored.status != ModelStatus.Revoked;
        return ModelVersion({
            commitment: stored.commitment,
            spec: _specOf(stored),
            status: withdrawn ? ModelStatus.Deprecated : stored.status,
            activatableAt: stored.activatableAt
        });
    }

    /// @inheritdoc IModelRegistry
    function verifierOf(uint256 modelId, uint32 version) external view returns (VerifierSpec memory spec) {
        if (_requireModel(modelId).deprecated) revert ModelIsDeprecated(modelId);
        Version storage stored = _requireVersion(modelId, version);
        ModelStatus status = stored.status;
        if (status != ModelStatus.Active && status != ModelStatus.Superseded) {
            revert WrongModelStatus(modelId, version, status);
        }
        spec = _specOf(stored);
        _requireCode(spec.verifier, spec.verifierCodeHash);
    }

    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IERCZKMLRegistry).interfaceId || super.supportsInterface(interfaceId);
    }

    // --- Helpers ---

    function _stage(uint256 modelId, ModelCommitment calldata commitment) private returns (uint32 version) {
        bool complete = commitment.modelHash != 0 && commitment.circuitHash != 0 && commitment.vkHash != 0;
        if (!complete || !ProofSystems.isKnown(commitment.proofSystemId)) revert InvalidCommitment();
        version = ++_models[modelId].latest;
        Version storage staged = _versions[modelId][version];
        staged.commitment = commitment;
        staged.status = ModelStatus.Proposed;
    }

    function _requireModel(uint256 modelId) private view returns (Model storage model) {
        model = _models[modelId];
        if (model.owner == address(0)) revert ModelNotFound(modelId);
    }

    function _requireLiveOwned(uint256 modelId) private view {
        Model storage model = _requireModel(modelId);
        if (model.owner != msg.sender) revert NotModelOwner(modelId, msg.sender);
        if (model.deprecated) revert ModelIsDeprecated(modelId);
    }

    function _requireVersion(uint256 modelId, uint32 version) private view returns (Version storage stored) {
        stored = _versions[modelId][version];
        if (stored.status == ModelStatus.None) revert VersionNotFound(modelId, version);
    }

    /// @dev An account without code has the hash of nothing, or none: neither may ever count as a verifier.
    function _requireCode(address verifier, bytes32 expected) private view {
        bytes32 actual = verifier.codehash;
        if (actual != expected || actual == 0 || actual == keccak256("")) {
            revert VerifierCodeMismatch(verifier, expected, actual);
        }
    }

    function _checkSpec(VerifierSpec calldata spec) private pure {
        bool counted = spec.inputCount != 0 && spec.outputCount != 0;
        if (
            !counted || !_validScales(spec.inputScaleBits, spec.inputCount)
                || !_validScales(spec.outputScaleBits, spec.outputCount)
        ) revert InvalidVerifierSpec();
    }

    function _validScales(bytes calldata scales, uint32 count) private pure returns (bool) {
        if (scales.length != 1 && scales.length != count) return false;
        for (uint256 i; i < scales.length; ++i) {
            if (uint8(scales[i]) > MAX_SCALE_BITS) return false;
        }
        return true;
    }

    function _packScales(bytes calldata scales) private pure returns (uint8 shared, bytes memory perValue) {
        if (scales.length == 1) return (uint8(scales[0]), "");
        return (SCALE_PER_VALUE, scales);
    }

    function _specOf(Version storage stored) private view returns (VerifierSpec memory spec) {
        spec.verifier = stored.verifier;
        if (spec.verifier == address(0)) return spec;
        spec.inputCount = stored.inputCount;
        spec.outputCount = stored.outputCount;
        (uint8 inputScale, uint8 outputScale) = (stored.inputScale, stored.outputScale);
        spec.verifierCodeHash = stored.verifierCodeHash;
        spec.inputScaleBits =
            inputScale == SCALE_PER_VALUE ? stored.inputScaleBits : abi.encodePacked(inputScale);
        spec.outputScaleBits =
            outputScale == SCALE_PER_VALUE ? stored.outputScaleBits : abi.encodePacked(outputScale);
    }
}
