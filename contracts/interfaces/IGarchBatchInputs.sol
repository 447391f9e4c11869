// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ISharedInputs} from "./ISharedInputs.sol";

/// @title Inputs of the GARCH(1,1) circuit for four assets
/// @dev Everything is fixed at deployment. The round that a feed names is the first asset's. Every other asset's window ends
/// at its first round observed `maxSkew` seconds before that one's time or later. Times in a feed only rise, so
/// that round, once there, is the same for ever. A feed's `observedAt` is the first asset's; another's is at most `maxSkew` away.
/// `inputs` reverts with a source's NoDataPresent and WindowNotAvailable, and with WindowsNotAligned.
interface IGarchBatchInputs is ISharedInputs {
    /// @notice Thrown when a parameter is outside its range.
    error ParameterOutOfRange(bytes32 name, uint256 value, uint256 min, uint256 max);
    /// @notice Thrown when an asset's module is not a contract.
    error ModuleWithoutCode(uint256 asset, address module);
    /// @notice Thrown when an asset's module stands at another scale than the first's.
    error ScaleMismatch(uint256 asset, uint8 scaleBits, uint8 expected);
    /// @notice Thrown when an asset was not observed within `maxSkew` seconds of the first one's time.
    error WindowsNotAligned(uint256 asset, uint64 observedAt, uint64 expected, uint32 maxSkew);

    /// @notice The four windows' inputs, in the circuit's order, for the round of the first asset.
    function inputs(uint64 observationRound) external view returns (int256[] memory modelInputs, uint64 observedAt);

    /// @notice The GarchVolatilityModules of the assets, in the circuit's order.
    function modules() external view returns (address[4] memory);

    /// @notice Seconds that another asset's last observation may lie from the first asset's, either way.
    function maxSkew() external view returns (uint32);

    /// @notice The first asset's observation feed.
    function source() external view returns (address);

    /// @notice The circuit's input scale, that of all four modules.
    function inputScaleBits() external view returns (uint8);

    /// @notice The round that each asset's window ends at, for a round of the first asset.
    function roundsFor(uint64 observationRound) external view returns (uint64[4] memory rounds, uint64 observedAt);
}
