// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IPerpMarket} from "../../interfaces/IPerpMarket.sol";
import {PerpMath} from "../../libraries/PerpMath.sol";
import {PerpConfig, PerpState} from "../../types/PerpTypes.sol";
import {PerpCash} from "./PerpCash.sol";

/// @title The fund of a perpetual market: the liquidity providers' shares in it
abstract contract PerpFund is PerpCash, ReentrancyGuardTransient {
    /// @dev Added to totals when converting, so that the first provider cannot set the price of a share (OpenZeppelin ERC-4626).
    uint256 private constant VIRTUAL_SHARES = 1e6;
    uint256 private constant VIRTUAL_ASSETS = 1;

    /// @dev A fund of less than a millionth of a quote unit is used up.
    uint256 private constant FUND_DUST = 1e12;

    /// @dev Shares of an epoch whose fund was used up are void.
    uint256 internal _epoch;
    mapping(uint256 epoch => uint256) internal _totalShares;
    mapping(uint256 epoch => mapping(address provider => uint256)) internal _shares;
    mapping(address provider => uint256) internal _requestedAt;

    constructor(PerpConfig memory c) PerpCash(c) {}

    /// @inheritdoc IPerpMarket
    function provide(uint256 amount, address receiver) external nonReentrant returns (uint256 shares) {
        _checkTransfer(amount, receiver);
        PerpState memory s = _sync();
        if (s.deficit != 0) revert DeficitOutstanding(s.deficit);
        _endUsedUp(s.fund);
        uint256 total = _totalShares[_epoch];
        if (total >> 128 > s.fund) revert FundDiluted(total, s.fund); // else no sum of shares overflows
        uint256 wad = _takeCash(s, amount);
        shares = Math.mulDiv(wad, total + VIRTUAL_SHARES, s.fund + VIRTUAL_ASSETS);
        if (shares == 0) revert ZeroAmount();
        s.fund += wad;
        _totalShares[_epoch] = total + shares;
        _shares[_epoch][receiver] += shares;
        _save(s);
        emit LiquidityProvided(msg.sender, receiver, amount, shares);
        _pull(amount);
    }

    /// @inheritdoc IPerpMarket
    function requestRedemption() external {
        _requestedAt[msg.sender] = block.timestamp;
        (uint256 opensAt, uint256 closesAt) = _window(msg.sender);
        emit RedemptionRequested(msg.sender, opensAt, closesAt);
    }

    /// @inheritdoc IPerpMarket
    function redeem(uint256 shares, address receiver) external nonReentrant returns (uint256 amount) {
        _checkTransfer(shares, receiver);
        (uint256 opensAt, uint256 closesAt) = _window(msg.sender);
        if (block.timestamp < opensAt || block.timestamp > closesAt) revert RedemptionNotOpen(opensAt, closesAt);
        uint256 owned = _shares[_epoch][msg.sender];
        if (shares > owned) revert InsufficientShares(shares, owned);
        PerpState memory s = _sync();
        uint256 wad = _worth(shares, s.fund);
        uint256 paidWad;
        (amount, paidWad) = _giveCash(s, wad, s.protocolFees);
        s.fund -= paidWad;
        _shares[_epoch][msg.sender] = owned - shares;
        _totalShares[_epoch] -= shares;
        _save(s);
        emit LiquidityRedeemed(msg.sender, receiver, amount, shares);
        _push(receiver, amount);
    }

    /// @inheritdoc IPerpMarket
    function donate(uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        PerpState memory s = _sync();
        PerpMath.credit(s, _takeCash(s, amount));
        _save(s);
        emit Donated(msg.sender, amount);
        _pull(amount);
    }

    /// @inheritdoc IPerpMarket
    function fundSharesOf(address provider) external view returns (uint256) {
        return _shares[_epoch][provider];
    }

    /// @inheritdoc IPerpMarket
    function totalFundShares() external view returns (uint256) {
        return _totalShares[_epoch];
    }

    /// @inheritdoc IPerpMarket
    function fundAssetsOf(address provider) external view returns (uint256) {
        (PerpState memory s,) = _synced();
        return _worth(_shares[_epoch][provider], s.fund);
    }

    /// @dev After bad debt or following the index took all of the fund: shares begin anew.
    function _endUsedUp(uint256 fund) internal {
        if (fund >= FUND_DUST) return;
        uint256 total = _totalShares[_epoch];
        if (total != 0) emit FundWiped(_epoch++, total);
    }

    function _worth(uint256 shares, uint256 fund) private view returns (uint256) {
        return Math.mulDiv(shares, fund + VIRTUAL_ASSETS, _totalShares[_epoch] + VIRTUAL_SHARES);
    }

    function _window(address provider) private view returns (uint256 opensAt, uint256 closesAt) {
        uint256 requestedAt = _requestedAt[provider];
        if (requestedAt == 0) return (0, 0);
        opensAt = requestedAt + fundCooldown;
        closesAt = opensAt + fundCooldown;
    }
}
