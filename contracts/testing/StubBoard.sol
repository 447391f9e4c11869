// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ILiquidationBoard} from "../interfaces/ILiquidationBoard.sol";

/// @title A liquidation board that says what it is told: for tests only
contract StubBoard {
    address public immutable vault;
    mapping(address account => uint256) private _probabilities;

    constructor(address vault_) {
        vault = vault_;
    }

    function set(address account, uint256 probability) external {
        _probabilities[account] = probability;
    }

    function probabilityNoOlderThan(address account, uint256) external view returns (uint256 probability) {
        probability = _probabilities[account];
        if (probability == 0) revert ILiquidationBoard.NotAssessed(account);
    }
}
