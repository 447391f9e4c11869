// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {TestERC20} from "./TestERC20.sol";

/// @title A token that takes a fee, calls out during transfers, or refuses an address: for tests only
contract HostileERC20 is TestERC20 {
    /// @notice Thrown on a transfer to or from the blocked address.
    error Blocked(address account);

    enum Answer {
        Nothing, // as USDT: moves and returns no data
        False, // moves nothing and does not revert
        True
    }

    uint256 public feeBps;
    Answer public answer = Answer.True;
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

    function setAnswer(Answer answer_) external {
        answer = answer_;
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        return _answered(answer == Answer.False || super.transfer(to, value));
    }

    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        return _answered(answer == Answer.False || super.transferFrom(from, to, value));
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

    function _answered(bool) private view returns (bool) {
        if (answer == Answer.Nothing) {
            assembly {
                return(0, 0)
            }
        }
        return answer == Answer.True;
    }

    function _callHook() private {
        (bool ok, bytes memory reason) = hookTarget.call(hookData);
        if (ok) return;
        assembly ("memory-safe") {
            revert(add(reason, 32), mload(reason))
        }
    }
}
