// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IFeatureModule} from "./IFeatureModule.sol";
import {ISharedInputs} from "./ISharedInputs.sol";

/// @title The GARCH(1,1) circuit for four assets, and the answer for one of them
/// @dev Everything is fixed at deployment. `inputs` are those of `batch`, and revert as they do.
interface IGarchBatchModule is IFeatureModule, ISharedInputs {
    /// @notice Thrown when `place` is none of the four.
    error PlaceOutOfRange(uint8 place, uint8 max);
    /// @notice Thrown when the batch is not a contract.
    error BatchWithoutCode(address batch);
    /// @notice Thrown when the model's outputs are not as many as the assets.
    error OutputCountMismatch(uint256 actual, uint256 expected);

    /// @notice The GarchBatchInputs that the four assets' modules share.
    function batch() external view returns (address);

    /// @notice Which asset this module answers for, 0 to 3.
    function place() external view returns (uint8);

    /// @notice The circuit's input scale.
    function inputScaleBits() external view returns (uint8);
}
