// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @title An account whose signature check does what it should not: for tests only
contract HostileSigner is IERC1271 {
    enum Mode {
        BurningGas,
        ReturnBomb,
        Reenter
    }

    uint256 private constant BOMB_BYTES = 100_000;

    Mode public immutable mode;
    address public immutable target;

    constructor(Mode mode_, address target_) {
        (mode, target) = (mode_, target_);
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        if (mode == Mode.BurningGas) while (gasleft() > 0) {}
        if (mode == Mode.ReturnBomb) {
            uint256 size = BOMB_BYTES;
            assembly {
                return(0, size)
            }
        }
        // A static call, whatever it is for: it cannot change anything
        (bool ok,) = target.staticcall(abi.encodeWithSignature("cancel(uint256[])", new uint256[](1)));
        return ok ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
