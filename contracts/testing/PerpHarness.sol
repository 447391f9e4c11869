// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IPerpMarket} from "../interfaces/IPerpMarket.sol";

/// @title An account of the harness: for tests only
contract PerpActor {
    address private immutable _owner = msg.sender;

    /// @notice Thrown when somebody else calls.
    error NotHarness(address caller);

    function forward(address target, bytes calldata data) external returns (bool, bytes memory) {
        if (msg.sender != _owner) revert NotHarness(msg.sender);
        return target.call(data);
    }
}

/// @title Many calls of a perpetual market by several accounts in one transaction, with a digest of what each did
/// @dev For differential tests only.
contract PerpHarness {
    struct Step {
        uint256 actor;
        address target;
        bytes data;
    }

    /// @notice Emitted once a run: for each step keccak256(ok, keccak256(result), state, the actor's position), and after
    /// the last one the digest of everything.
    event Ran(bytes32[] digests, bytes32 last);

    IPerpMarket public immutable market;
    PerpActor[] public actors;

    constructor(IPerpMarket market_, uint256 count) {
        market = market_;
        IERC20 asset = IERC20(market_.config().collateralAsset);
        for (uint256 i; i < count; ++i) {
            actors.push(new PerpActor());
            actors[i].forward(address(asset), abi.encodeCall(IERC20.approve, (address(market_), type(uint256).max)));
        }
    }

    function run(Step[] calldata steps) external {
        bytes32[] memory digests = new bytes32[](steps.length);
        for (uint256 i; i < steps.length; ++i) {
            PerpActor actor = actors[steps[i].actor];
            (bool ok, bytes memory result) = actor.forward(steps[i].target, steps[i].data);
            digests[i] = keccak256(
                bytes.concat(
                    abi.encode(ok, keccak256(result)),
                    abi.encode(market.state()),
                    abi.encode(market.position(address(actor)))
                )
            );
        }
        emit Ran(digests, _everything());
    }

    function _everything() private view returns (bytes32 digest) {
        IERC20 asset = IERC20(market.config().collateralAsset);
        digest = keccak256(abi.encode(market.totalFundShares(), asset.balanceOf(address(market))));
        for (uint256 i; i < actors.length; ++i) {
            address a = address(actors[i]);
            digest = keccak256(
                bytes.concat(
                    digest,
                    abi.encode(market.position(a)),
                    abi.encode(market.fundSharesOf(a), market.fundAssetsOf(a), asset.balanceOf(a))
                )
            );
        }
    }
}
