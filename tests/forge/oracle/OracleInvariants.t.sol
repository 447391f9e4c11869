// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CoordinatorHandler} from "./CoordinatorHandler.sol";
import {ObservationHandler} from "./ObservationHandler.sol";
import {RegistryHandler} from "./RegistryHandler.sol";
import {RiskFeedHandler} from "./RiskFeedHandler.sol";

/// @dev What every handler has beside its calls.
interface IHandler {
    function check() external;
    function fault() external view returns (string memory);
}

/// @title One campaign for each handler: random calls, then everything that it holds against its contract
abstract contract Campaign {
    IHandler internal handler;

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_nothingIsHeldAgainstIt() public view {
        require(bytes(handler.fault()).length == 0, handler.fault());
    }

    /// @dev At the end of each sequence; within it `check` is one of the calls.
    function afterInvariant() external {
        handler.check();
        invariant_nothingIsHeldAgainstIt();
    }
}

contract ObservationFeedInvariants is Campaign {
    function setUp() external {
        handler = IHandler(address(new ObservationHandler()));
    }
}

contract RiskFeedInvariants is Campaign {
    function setUp() external {
        handler = IHandler(address(new RiskFeedHandler()));
    }
}

contract ModelRegistryInvariants is Campaign {
    function setUp() external {
        handler = IHandler(address(new RegistryHandler()));
    }
}

contract CoordinatorInvariants is Campaign {
    function setUp() external {
        handler = IHandler(address(new CoordinatorHandler()));
    }
}
