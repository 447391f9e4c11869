// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {TestERC20} from "./TestERC20.sol";

/// @title A token that takes a fee, calls out during transfers, or refuses an address: for tests only
contract HostileERC20 is TestERC20 {
    /// @notice Thrown on a transfer to or from the blocked address.
    error Blocked(address account);

    uint256 public feeBps;
    address public blocked;
    address public hookTarget;
    bytes public hookData;

    constructor(uint8 decimals_) TestERC20("Hostile", "HOST", decimals_) {}

    function setFee(uint256 feeBps_) external {
        feeBps = feeBps_;
    }

    function setBlocked(address blocked_) external {
        blocked = blocked_;
    }

    function setHook(address target, bytes calldata data) external {
        (hookTarget, hookData) = (target, data);
    }

    function _update(address from, address to, uint256 value) internal override {
        if (from == address(0)) return super._update(from, to, value);
        if (blocked != address(0) && (from == blocked || to == blocked)) revert Blocked(blocked);
        uint256 fee = value * feeBps / 1e4;
        super._update(from, to, value - fee);
        if (fee != 0) super._update(from, address(0), fee);
        if (hookTarget != address(0)) _callHook();
    }

    function _callHook() private {
        (bool ok, bytes memory reason) = hookTarget.call(hookData);
        if (ok) return;
        assembly ("memory-safe") {
            revert(add(reason, 32), mload(reason))
        }
    }
}
