// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @title An account of a harness, which signs what its own hash is given for: for tests only
contract HarnessActor is IERC1271 {
    address private immutable _owner = msg.sender;

    /// @notice Thrown when somebody else calls.
    error NotHarness(address caller);

    function forward(address target, bytes calldata data) external returns (bool, bytes memory) {
        if (msg.sender != _owner) revert NotHarness(msg.sender);
        return target.call(data);
    }

    /// @notice A signature is keccak256(abi.encode(hash, this account)): a Python twin makes thousands in a second.
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        bool valid = signature.length == 32 && bytes32(signature) == keccak256(abi.encode(hash, address(this)));
        return valid ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

/// @title Many calls by several accounts in one transaction, with a digest of what each did
/// @dev For differential tests only.
abstract contract CallHarness {
    struct Step {
        uint256 actor;
        address target;
        bytes data;
    }

    /// @notice Emitted once a run: for each step keccak256(ok, keccak256(result), what the caller sees after it), the last only of
    /// a call that did not revert and so changed something; and after all steps the digest of everything.
    event Ran(bytes32[] digests, bytes32 last);

    HarnessActor[] public actors;

    constructor(uint256 count) {
        for (uint256 i; i < count; ++i) {
            actors.push(new HarnessActor());
        }
    }

    function run(Step[] calldata steps) external {
        bytes32[] memory digests = new bytes32[](steps.length);
        for (uint256 i; i < steps.length; ++i) {
            HarnessActor actor = actors[steps[i].actor];
            (bool ok, bytes memory result) = actor.forward(steps[i].target, steps[i].data);
            bytes memory seen = ok ? _seenBy(address(actor)) : bytes("");
            digests[i] = keccak256(bytes.concat(abi.encode(ok, keccak256(result)), seen));
        }
        emit Ran(digests, _everything());
    }

    /// @dev The protocol's own figures and the account's.
    function _seenBy(address account) internal view virtual returns (bytes memory);

    /// @dev Of every account, and all tokens.
    function _everything() internal view virtual returns (bytes32);
}
