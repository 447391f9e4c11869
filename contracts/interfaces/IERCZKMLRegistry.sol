// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title ERC-7992 model registry
/// @dev The draft names an event and an error alike (`ModelDeprecated`), which does not compile; the error is
/// `ModelIsDeprecated` here. Errors do not enter the ERC-165 id, 0xd28519b1.
interface IERCZKMLRegistry {
    struct ModelCommitment {
        bytes32 modelHash;
        bytes32 circuitHash;
        bytes32 vkHash;
        bytes4 proofSystemId;
        string uri;
    }

    /// @notice Emitted when a model gets its id.
    event ModelRegistered(uint256 indexed modelId, address indexed owner, ModelCommitment commitment);
    /// @notice Emitted when a new version's commitment takes effect.
    event ModelUpdated(uint256 indexed modelId, ModelCommitment oldCommitment, ModelCommitment newCommitment);
    /// @notice Emitted when the owner withdraws a model.
    event ModelDeprecated(uint256 indexed modelId);

    /// @notice Thrown when no model has this id.
    error ModelNotFound(uint256 modelId);
    /// @notice Thrown when the caller does not own the model.
    error NotModelOwner(uint256 modelId, address caller);
    /// @notice Thrown when the model was deprecated.
    error ModelIsDeprecated(uint256 modelId);

    function registerModel(ModelCommitment calldata commitment) external returns (uint256 modelId);

    function updateModel(uint256 modelId, ModelCommitment calldata newCommitment) external;

    function deprecateModel(uint256 modelId) external;

    function getModel(uint256 modelId)
        external
        view
        returns (ModelCommitment memory commitment, bool deprecated, address owner);
}
