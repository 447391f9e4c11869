"""warn, nameBoard: a proven probability restricts, and never sells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from web3.contract import Contract

from oracle.domain.lending import PositionState
from tests.support.lending import TERMS, WAD, LendingWorld

Reverts = Callable[..., Any]
THRESHOLD = TERMS["alarmProbability"]


def named(world: LendingWorld) -> Contract:
    """A board that says what it is told, named by the one who may."""
    board = world.chain.deploy("StubBoard", world.vault.address)
    world.call("nameBoard", board.address, sender=world.chain.address(0))
    return board


@pytest.fixture
def board(opened: LendingWorld) -> Contract:
    """The board of `opened`."""
    return named(opened)


def say(world: LendingWorld, board: Contract, probability: int) -> list[str]:
    """The board says a probability of the borrower, and a keeper tells the vault; the vault's events."""
    world.chain.send(board.functions.set(world.borrower, probability))
    receipt = world.call("warn", world.borrower, sender=world.outsider)
    return [name for name in ("AlarmRaised", "AlarmEnded") if world.events(receipt, name)]


def test_warn__at_the_threshold__no_new_debt_and_no_withdrawal_until_it_ends(
    opened: LendingWorld, board: Contract, reverts: Reverts
) -> None:
    assert say(opened, board, THRESHOLD) == ["AlarmRaised"]
    until = opened.chain.now() + TERMS["alarmPeriod"]
    assert (opened.state(), opened.read("maxBorrow", opened.borrower)) == (PositionState.WARNED, 0)
    with reverts("PositionAlarmed", opened.borrower, until):
        opened.call("borrow", 10**6, opened.borrower)
    with reverts("PositionAlarmed", opened.borrower, until):
        opened.call("withdrawCollateral", opened.asset, 1, opened.borrower)
    opened.chain.mine(until)
    opened.refresh()
    opened.call("borrow", 10**6, opened.borrower)
    assert opened.state() is PositionState.WARNED
    receipt = opened.call("poke", opened.borrower)
    assert opened.events(receipt, "AlarmEnded") == [{"account": opened.borrower}]
    assert opened.state() is PositionState.OPEN


def test_warn__certain_liquidation__still_no_auction(opened: LendingWorld, board: Contract, reverts: Reverts) -> None:
    say(opened, board, WAD)
    with reverts("PositionHealthy", opened.read("healthFactor", opened.borrower)):
        opened.call("startAuction", opened.borrower)
    opened.call("repay", 10**9, opened.borrower)
    opened.call("addCollateral", opened.asset, 1, opened.borrower)


def test_warn__below_the_threshold__ends_an_alarm_or_does_nothing(opened: LendingWorld, board: Contract) -> None:
    assert say(opened, board, THRESHOLD - 1) == []
    say(opened, board, THRESHOLD)
    assert say(opened, board, THRESHOLD - 1) == ["AlarmEnded"]
    assert opened.state() is PositionState.OPEN


def test_warn__debt_repaid__collateral_is_free_again(opened: LendingWorld, board: Contract) -> None:
    say(opened, board, WAD)
    opened.call("repay", 2**256 - 1, opened.borrower)
    assert opened.position()["alarmedAt"] == 0
    opened.call("withdrawCollateral", opened.asset, opened.amount(), opened.borrower)


def test_warn__no_assessment_no_debt_or_no_board__refused(opened: LendingWorld, reverts: Reverts) -> None:
    with reverts("NoBoard"):
        opened.call("warn", opened.borrower)
    named(opened)
    with reverts("NotAssessed", opened.borrower):
        opened.call("warn", opened.borrower)
    with reverts("NoDebt", opened.outsider):
        opened.call("warn", opened.outsider)


def test_nameBoard__by_another_twice_or_of_another_vault__refused(world: LendingWorld, reverts: Reverts) -> None:
    setter = world.chain.address(0)
    board = world.chain.deploy("StubBoard", world.vault.address)
    with reverts("NotBoardSetter", world.outsider):
        world.call("nameBoard", board.address, sender=world.outsider)
    for wrong in (world.chain.deploy("StubBoard", world.outsider).address, world.outsider):
        with reverts("WrongBoard", wrong):
            world.call("nameBoard", wrong, sender=setter)
    receipt = world.call("nameBoard", board.address, sender=setter)
    assert world.events(receipt, "BoardNamed") == [{"board": board.address}]
    assert world.read("board") == board.address
    with reverts("BoardNamedAlready", board.address):
        world.call("nameBoard", board.address, sender=setter)
