// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title A price or volatility feed that misbehaves on demand: for tests only
contract StubFeed {
    enum Mode {
        Normal,
        Reverting,
        BurningGas,
        ReturnBomb,
        RevertBomb,
        ShortReturn
    }

    /// @notice As IRiskFeed's.
    error StaleAnswer(uint256 age, uint256 maxStaleness);

    uint256 private constant BOMB_BYTES = 20_000;

    uint8 public immutable decimals;
    Mode public mode;
    int256 public answer;
    uint256 public observedAt;
    uint256 public updatedAt;

    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    function set(int256 answer_, uint256 observedAt_, uint256 updatedAt_) external {
        (answer, observedAt, updatedAt) = (answer_, observedAt_, updatedAt_);
    }

    function setMode(Mode mode_) external {
        mode = mode_;
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        _misbehave();
        return (1, answer, observedAt, updatedAt, 1);
    }

    function latestAnswerNoOlderThan(uint256 maxStaleness) external view returns (int256) {
        _misbehave();
        uint256 age = block.timestamp - observedAt;
        if (age > maxStaleness) revert StaleAnswer(age, maxStaleness);
        return answer;
    }

    function _misbehave() private view {
        if (mode == Mode.Reverting) revert StaleAnswer(0, 0);
        if (mode == Mode.BurningGas) while (gasleft() > 0) {}
        uint256 size = BOMB_BYTES;
        if (mode == Mode.ReturnBomb) {
            assembly {
                mstore(0, not(0))
                return(0, size)
            }
        }
        if (mode == Mode.RevertBomb) {
            assembly {
                revert(0, size)
            }
        }
        if (mode == Mode.ShortReturn) {
            // The whole answer but its last byte.
            bytes memory whole = msg.sig == this.latestRoundData.selector
                ? abi.encode(uint80(1), answer, observedAt, updatedAt, uint80(1))
                : abi.encode(answer);
            assembly {
                return(add(whole, 32), sub(mload(whole), 1))
            }
        }
    }
}
