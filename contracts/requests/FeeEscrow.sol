// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IInferenceCoordinator} from "../interfaces/IInferenceCoordinator.sol";
import {Price} from "../types/RequestTypes.sol";

/// @title Prices, and money held: taken in exact amounts, credited, and withdrawn by who it belongs to
/// @dev The zero address stands for the chain's native coin. The owner sets prices of requests to come and touches no
/// money.
abstract contract FeeEscrow is IInferenceCoordinator, Ownable2Step, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    mapping(uint256 modelId => mapping(address token => Price)) private _prices;
    mapping(address owner => mapping(address token => uint256)) private _credits;

    constructor(address owner_) Ownable(owner_) {}

    /// @notice Sets the least fee for a model in one token. Owner only.
    function setPrice(uint256 modelId, address token, Price calldata price) external onlyOwner {
        _prices[modelId][token] = price;
        emit PriceSet(modelId, token, price);
    }

    /// @inheritdoc IInferenceCoordinator
    function quote(uint256 modelId, address token, uint32 callbackGas) public view returns (uint256) {
        Price memory price = _prices[modelId][token];
        if (!price.offered) revert ModelNotOffered(modelId, token);
        return uint256(price.base) + uint256(price.perCallbackGas) * callbackGas;
    }

    /// @inheritdoc IInferenceCoordinator
    function creditOf(address owner_, address token) external view returns (uint256) {
        return _credits[owner_][token];
    }

    /// @inheritdoc IInferenceCoordinator
    function withdraw(address token, address to) external nonReentrant returns (uint256 amount) {
        if (to == address(0)) revert ZeroAddress();
        amount = _credits[msg.sender][token];
        if (amount == 0) revert NothingToDo();
        _credits[msg.sender][token] = 0;
        emit Withdrawn(msg.sender, token, to, amount);
        if (token != address(0)) {
            IERC20(token).safeTransfer(to, amount);
        } else {
            (bool sent,) = to.call{value: amount}("");
            if (!sent) revert TransferFailed(to, amount);
        }
    }

    function _requireQuoted(uint256 modelId, address token, uint32 callbackGas, uint256 fee) internal view {
        uint256 least = quote(modelId, token, callbackGas);
        if (fee < least) revert FeeBelowQuote(fee, least);
    }

    /// @dev Takes exactly `amount` from the caller. A token that moves another amount is refused.
    function _take(address token, uint256 amount) internal {
        uint256 due = token == address(0) ? amount : 0;
        if (msg.value != due) revert WrongValue(msg.value, due);
        if (token == address(0) || amount == 0) return;
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = IERC20(token).balanceOf(address(this)) - before;
        if (received != amount) revert WrongAmountReceived(token, received, amount);
    }

    function _credit(address owner_, address token, uint256 amount) internal {
        _credits[owner_][token] += amount;
        emit Credited(owner_, token, amount);
    }
}
