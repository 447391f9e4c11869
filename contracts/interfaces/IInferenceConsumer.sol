// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title What a contract implements to be called back with a proven inference
interface IInferenceConsumer {
    /// @notice Called once with the proven outputs, with the gas that the request bought. Only trust the coordinator.
    /// @param outputsWad The model's outputs, 18 decimals.
    function onInference(uint256 requestId, int256[] calldata outputsWad) external;
}

/// @title What a contract implements to give the inputs of its requests itself
interface IInferenceInputs {
    /// @notice The model's inputs for a request that is being made now, at the model's input scale.
    function inputs(uint256 requestId) external view returns (int256[] memory);
}
