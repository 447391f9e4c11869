// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {OptionPosition, OptionsMarket, PortfolioRisk} from "../../types/OptionTypes.sol";
import {ScenarioMargin} from "./ScenarioMargin.sol";

/// @title ScenarioMargin as a contract without state: a book's own code stays below the size limit
/// @dev Each OptionsMargin deploys its own in its constructor.
contract ScenarioEngine {
    /// @notice Value and loss of the first `count` positions, none expired, at a shock below .75.
    function riskOf(OptionPosition[] memory positions, uint256 count, OptionsMarket memory m, uint256 shock)
        external
        pure
        returns (PortfolioRisk memory)
    {
        return ScenarioMargin.riskOf(positions, count, m, shock);
    }

    /// @notice Value of the first `count` positions at the marks, each floored.
    function valueOf(OptionPosition[] memory positions, uint256 count, OptionsMarket memory m)
        external
        pure
        returns (int256)
    {
        return ScenarioMargin.valueOf(positions, count, m);
    }
}
