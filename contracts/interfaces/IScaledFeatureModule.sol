// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IFeatureModule} from "./IFeatureModule.sol";

/// @title A feature module whose answer depends on what was observed too, since the model's output is relative to it
/// @dev A feed asks `answersFromInputs` once, when it is made. `answer` without inputs reverts with InputsNeeded.
interface IScaledFeatureModule is IFeatureModule {
    /// @notice Thrown by `answer`, which has not what it takes.
    error InputsNeeded();

    /// @notice True.
    function answersFromInputs() external view returns (bool);

    /// @notice The feed's answer, at the feed's decimals, for the model's outputs on these inputs.
    /// @param modelInputs As `inputs` returned them for `observationRound`.
    function answerFor(uint64 observationRound, int256[] calldata modelInputs, int256[] calldata outputsWad)
        external
        view
        returns (int256);
}
