// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title An account of a replay: for local chains only
contract ReplayActor {
    address private immutable _owner = msg.sender;

    /// @notice Thrown when somebody else calls.
    error NotOwner(address caller);

    function forward(address target, bytes calldata data) external returns (bool, bytes memory) {
        if (msg.sender != _owner) revert NotOwner(msg.sender);
        return target.call(data);
    }
}

/// @title Many accounts, and an hour's calls of all of them in one transaction: for replays on local chains only
contract ReplayActors {
    struct Step {
        uint256 actor;
        address target;
        bytes data;
    }

    /// @notice Thrown when a call reverts that the twin did not refuse.
    error StepFailed(uint256 index, bytes reason);

    ReplayActor[] public actors;

    constructor(uint256 count) {
        for (uint256 i; i < count; ++i) {
            actors.push(new ReplayActor());
        }
    }

    function all() external view returns (ReplayActor[] memory) {
        return actors;
    }

    function run(Step[] calldata steps) external {
        for (uint256 i; i < steps.length; ++i) {
            (bool ok, bytes memory result) = actors[steps[i].actor].forward(steps[i].target, steps[i].data);
            if (!ok) revert StepFailed(i, result);
        }
    }
}
