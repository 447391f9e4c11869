// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERCZKMLRegistry} from "./IERCZKMLRegistry.sol";
import {ModelStatus, VerifierSpec} from "../types/ModelTypes.sol";

/// @title Plumbline's registry: ERC-7992 plus versions, verifiers and a timelocked life
/// @dev A version's commitment and verifier never change once bound. `updateModel` stages a new version; the current one
/// stays current until the new one is activated after `activationDelay`.
interface IModelRegistry is IERCZKMLRegistry {
    struct ModelVersion {
        ModelCommitment commitment;
        VerifierSpec spec;
        ModelStatus status;
        uint64 activatableAt; // unix seconds; 0 until a verifier is bound
    }

    /// @notice Emitted when a version's verifier is bound and its timelock starts.
    event VerifierBound(uint256 indexed modelId, uint32 indexed version, address verifier, uint64 activatableAt);
    /// @notice Emitted when a version becomes the current one.
    event ModelActivated(uint256 indexed modelId, uint32 indexed version);
    /// @notice Emitted when a new version is staged behind the current one.
    event ModelUpdateProposed(uint256 indexed modelId, uint32 indexed version, ModelCommitment commitment);
    /// @notice Emitted when a version is revoked by its owner or the guardian.
    event ModelRevoked(uint256 indexed modelId, uint32 indexed version, address by);

    /// @notice Thrown when the version does not exist.
    error VersionNotFound(uint256 modelId, uint32 version);
    /// @notice Thrown when the version's status does not allow the call.
    error WrongModelStatus(uint256 modelId, uint32 version, ModelStatus status);
    /// @notice Thrown when the timelock has not run out.
    error ActivationTooEarly(uint256 modelId, uint32 version, uint64 activatableAt);
    /// @notice Thrown when the verifier has no code, or other code than pinned.
    error VerifierCodeMismatch(address verifier, bytes32 expected, bytes32 actual);
    /// @notice Thrown when counts or scale arrays make no sense.
    error InvalidVerifierSpec();
    /// @notice Thrown when a commitment holds a zero hash or an unknown proof system.
    error InvalidCommitment();

    /// @notice `registerModel` and `bindVerifier` in one; with an activation delay of zero, active at once.
    function registerModelWithVerifier(ModelCommitment calldata commitment, VerifierSpec calldata spec)
        external
        returns (uint256 modelId);

    /// @notice Binds the verifier of the newest proposed version and starts its timelock. Owner only.
    function bindVerifier(uint256 modelId, VerifierSpec calldata spec) external;

    /// @notice Makes the newest timelocked version current. Anyone, after its timelock.
    function activate(uint256 modelId) external;

    /// @notice Ends a version at once. Owner or guardian.
    function revokeVersion(uint256 modelId, uint32 version) external;

    /// @notice The version that is current; 0 before the first activation.
    function currentVersion(uint256 modelId) external view returns (uint32);

    /// @notice The newest version, current or staged; versions count from 1.
    function latestVersion(uint256 modelId) external view returns (uint32);

    function getVersion(uint256 modelId, uint32 version) external view returns (ModelVersion memory);

    /// @notice What a verification needs, in one read: the spec with its code hash checked against the chain now.
    /// Reverts unless the version is Active or Superseded.
    function verifierOf(uint256 modelId, uint32 version) external view returns (VerifierSpec memory);

    function modelCount() external view returns (uint256);

    /// @notice Seconds between binding a verifier and the earliest activation.
    function activationDelay() external view returns (uint64);
}
