// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title What stands between observations and a model: its inputs, and the meaning of its outputs
/// @dev One immutable instance for each feed: source, window and the asset's parameters are fixed in its code.
interface IFeatureModule {
    /// @notice The model's inputs, signed integers at the circuit's input scale, for the window that ends at `observationRound`.
    /// @return modelInputs In the circuit's own order.
    /// @return observedAt Time of the window's last observation, unix seconds.
    function inputs(uint64 observationRound) external view returns (int256[] memory modelInputs, uint64 observedAt);

    /// @notice The feed's answer, at the feed's decimals, that the model's outputs stand for.
    function answer(int256[] calldata outputsWad) external view returns (int256);

    /// @notice The observation feed that the inputs are computed from.
    function source() external view returns (address);
}
