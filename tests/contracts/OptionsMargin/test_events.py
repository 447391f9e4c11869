"""What an options book tells of a life from listing to settlement, and of an auction: events with their arguments."""

from __future__ import annotations

from typing import Any

from web3.logs import DISCARD

from tests.support.options import FOREVER, MAX_INT, WAD, OptionsWorld

NAMES = (
    *("SeriesListed", "Deposited", "Donated", "OperatorSet", "Traded", "Withdrawn", "ExpirySettled", "PositionSettled"),
    *("AuctionStarted", "AuctionTaken", "AuctionEnded", "BadDebt"),
)


def told(world: OptionsWorld, since: int) -> list[tuple[str, tuple[Any, ...]]]:
    """The book's events after a block, in their order."""
    found = []
    for number in range(since + 1, world.chain.web3.eth.block_number + 1):
        for transaction in world.chain.web3.eth.get_block(number)["transactions"]:
            receipt = world.chain.web3.eth.get_transaction_receipt(transaction)
            for name in NAMES:
                for event in world.book.events[name]().process_receipt(receipt, errors=DISCARD):
                    values = tuple(map(plain, event["args"].values()))
                    found.append((number, event["logIndex"], name, values))
    return [(name, values) for _, _, name, values in sorted(found)]


def plain(value: Any) -> Any:
    """Lists and structs as tuples."""
    if isinstance(value, list):
        return tuple(map(plain, value))
    return tuple(value.values()) if hasattr(value, "values") else value


def test_events__listed_to_settled__each_with_its_arguments(world: OptionsWorld) -> None:
    since, maker, taker, keeper = world.chain.web3.eth.block_number, world.maker, world.taker, world.keeper
    series = world.series(2_000, 1)
    call, expiry = world.list(2_000, 1), series.expiry
    world.call("deposit", 7, keeper, sender=taker)
    world.call("donate", 3 * 10**12, sender=keeper)
    world.call("setOperator", keeper, True, sender=taker)
    world.call("setOperator", keeper, False, sender=taker)
    world.trade([(call, 10 * WAD)], 700 * WAD)
    world.call("withdraw", 5 * 10**6, keeper, sender=taker)
    world.settle_expiry(expiry, 2_100)
    world.call("settle", maker)
    world.call("settle", taker)
    first = told(world, since)
    (settled,) = [values for name, values in first if name == "ExpirySettled"]
    assert first == [
        ("SeriesListed", (call, expiry, 2_000 * WAD, True)),
        ("Deposited", (taker, keeper, 7)),
        ("Donated", (keeper, 3 * 10**12)),
        ("OperatorSet", (taker, keeper, True)),
        ("OperatorSet", (taker, keeper, False)),
        ("Traded", (maker, taker, taker, ((call, 10 * WAD),), 700 * WAD)),
        ("Withdrawn", (taker, keeper, 5 * 10**6, 0)),
        ("ExpirySettled", (expiry, 2_100 * WAD, settled[2])),
        ("PositionSettled", (maker, call, -10 * WAD, -1_000 * WAD)),
        ("PositionSettled", (taker, call, 10 * WAD, 1_000 * WAD)),
    ]
    feed = world.feeds["priceFeed"].functions
    assert feed.getRoundData(settled[2]).call()[1] == 2_100 * 10**8
    assert feed.getRoundData(settled[2] - 1).call()[2] < expiry


def test_events__auction_to_bad_debt__each_with_its_arguments(world: OptionsWorld) -> None:
    maker, keeper = world.maker, world.keeper
    world.deposit(900_000, keeper)
    world.trade([(world.list(2_000), 150 * WAD)], 15_000 * WAD)
    world.call("donate", 1_000 * world.unit)
    world.set_price(4_000)
    since = world.chain.web3.eth.block_number
    world.call("startAuction", maker)
    margin = world.account(maker)["maintenanceMargin"]
    world.pass_time(2 * 900)
    cash = world.account(maker)["cash"]
    world.call("bid", maker, WAD, MAX_INT, FOREVER, sender=keeper)
    events = told(world, since)
    price = events[-1][1][3]
    deficit = world.read("state")["deficit"]
    assert events[0][1][0] == maker
    # what the margin was a block before the shock's next step
    assert abs(events[0][1][1] - margin) < abs(margin) // 100
    assert events[1:] == [
        ("BadDebt", (maker, -(cash + price), 1_000 * WAD, deficit)),
        ("AuctionEnded", (maker,)),
        ("AuctionTaken", (maker, keeper, WAD, price, 0)),
    ]
    assert deficit == -(cash + price) - 1_000 * WAD
