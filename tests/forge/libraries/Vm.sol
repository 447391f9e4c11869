// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @dev The cheat codes that these suites use.
interface Vm {
    function assume(bool condition) external pure;
}

Vm constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
