"""Logs that are committed, and an operator that does not keep to its receipts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import astuple, replace

import pytest
from eth_account import Account

from oracle.domain.matching import SeriesBook
from oracle.domain.matching_log import MAX_BATCH, next_head, proof_of, proven_root, root_of
from tests.support.local_chain import account
from tests.support.matching import FIRST, OPERATOR, SECOND, MatchingWorld
from tests.support.options import WAD

Reverts = Callable[..., AbstractContextManager[None]]
PRICE = 100 * WAD


def test_commit__batches__chained(world: MatchingWorld, series_id: int) -> None:
    batches = [[world.place(FIRST, series_id, True, PRICE + i) for i in range(n)] for n in (1, 2, 5)]
    head, first = bytes(32), 0
    for number, entries in enumerate(batches):
        (event,) = world.chain.events(world.matching, "BatchCommitted", world.commit(series_id, entries))
        root = root_of(world.leaves(series_id, first, entries))
        head = next_head(head, root, first, len(entries))
        assert event == {
            "seriesId": series_id,
            "batch": number,
            "root": root,
            "first": first,
            "count": len(entries),
            "head": head,
        }
        assert world.matching.functions.batchOf(series_id, number).call()[:3] == (root, first, len(entries))
        first += len(entries)
    assert world.matching.functions.logOf(series_id).call() == (8, 0, 3, 0, head, bytes(32))


def test_commit__by_another_or_out_of_turn__refused(world: MatchingWorld, series_id: int, reverts: Reverts) -> None:
    operator, commit = account(OPERATOR).address, world.matching.functions.commit
    with reverts("NotBookOperator", world.options.keeper):
        world.chain.send(commit(series_id, 0, 1, b"\x01" * 32), world.options.keeper)
    for count in (0, MAX_BATCH + 1):
        with reverts("BatchSizeOutOfRange", count, MAX_BATCH):
            world.chain.send(commit(series_id, 0, count, b"\x01" * 32), operator)
    world.commit(series_id, [world.place(FIRST, series_id, True, PRICE)])
    for first in (0, 2):
        with reverts("BatchNotNext", first, 1):
            world.chain.send(commit(series_id, first, 1, b"\x01" * 32), operator)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 32])
def test_proof_of__every_leaf_of_a_batch__leads_to_the_root(count: int) -> None:
    leaves = [bytes([i + 1]) * 32 for i in range(count)]
    for place, leaf in enumerate(leaves):
        assert proven_root(leaf, proof_of(leaves, place)) == root_of(leaves)
        assert proven_root(bytes(32), proof_of(leaves, place)) != root_of(leaves)


def test_challenge_overdue__entry_left_out__ends_the_operators_rights(
    world: MatchingWorld, series_id: int, reverts: Reverts
) -> None:
    chain, challenge = world.chain, world.matching.functions.challengeOverdue
    taken, left_out = (world.place(FIRST, series_id, True, PRICE + i) for i in range(2))
    by = chain.now() + 60
    kept, broken = (world.receipt(i, e, by) for i, e in enumerate((taken, left_out)))
    world.commit(series_id, [taken])
    with reverts("NotOverdue", by, 1):
        chain.send(challenge(astuple(broken[0]), broken[1]))
    chain.mine(by + 1)
    with reverts("NotOverdue", by, 1):
        chain.send(challenge(astuple(kept[0]), kept[1]))
    forged = replace(broken[0], commit_by=by - 1)
    with reverts("InvalidSignature", account(OPERATOR).address, forged.digest(world.domain)):
        chain.send(challenge(astuple(forged), broken[1]))
    receipt = chain.send(challenge(astuple(broken[0]), broken[1]), world.options.keeper)
    (event,) = chain.events(world.matching, "OperatorFaulted", receipt)
    assert (event["seriesId"], event["index"], event["leaf"]) == (series_id, 1, broken[0].leaf)
    with reverts("OperatorAtFault"):
        world.commit(series_id, [left_out])
    with reverts("OperatorAtFault"):
        chain.send(world.settlement(series_id, [taken], SeriesBook()))
    with reverts("OperatorAtFault"):
        chain.send(challenge(astuple(broken[0]), broken[1]))


def test_challenge_overdue__no_funds_are_held__traders_keep_their_book(world: MatchingWorld, series_id: int) -> None:
    world.run(world.place(FIRST, series_id, False, PRICE), world.place(SECOND, series_id, True, PRICE))
    given, signature = world.receipt(9, world.place(FIRST, series_id, True, PRICE), world.chain.now())
    world.chain.mine(world.chain.now() + 10)
    world.chain.send(world.matching.functions.challengeOverdue(astuple(given), signature))
    assert world.options.balance(world.matching.address) == 0
    first, second = account(FIRST).address, account(SECOND).address
    world.options.call("setOperator", second, True, sender=first)
    world.options.call("trade", first, second, [(series_id, -WAD)], 0, sender=second)
    for who in (first, second):
        cash = world.options.account(who)["cash"]
        world.options.call("withdraw", cash // 10**12, who, sender=who)


def test_challenge_replaced__entries_reordered_or_replaced__ends_the_operators_rights(
    world: MatchingWorld, series_id: int, reverts: Reverts
) -> None:
    chain, challenge = world.chain, world.matching.functions.challengeReplaced
    entries = [world.place(FIRST, series_id, True, PRICE + i) for i in range(3)]
    receipts = [world.receipt(i, entry) for i, entry in enumerate(entries)]
    swapped = [entries[1], entries[0], entries[2]]
    world.commit(series_id, swapped)
    leaves = world.leaves(series_id, 0, swapped)
    fields = [e.leaf_fields(world.domain, series_id, i) for i, e in enumerate(swapped)]
    proofs = [proof_of(leaves, i) for i in range(3)]

    def call(of: int, place: int, batch: int = 0) -> object:
        given, signature = receipts[of]
        return challenge(astuple(given), signature, batch, fields[place], proofs[place])

    with reverts("NotReplaced", leaves[2]):
        chain.send(call(2, 2))
    with reverts("LeafNotCommitted", leaves[2], 0):
        chain.send(call(0, 2))
    with reverts("LeafNotCommitted", leaves[0], 1):
        chain.send(call(0, 0, 1))
    wrong = Account.unsafe_sign_hash(receipts[0][0].digest(world.domain), account(FIRST).key).signature
    with reverts("InvalidSignature", account(OPERATOR).address, receipts[0][0].digest(world.domain)):
        chain.send(challenge(astuple(receipts[0][0]), bytes(wrong), 0, fields[0], proofs[0]))
    (event,) = chain.events(world.matching, "OperatorFaulted", chain.send(call(0, 0)))
    assert (event["index"], event["leaf"]) == (0, receipts[0][0].leaf)


def test_challenge_replaced__foreign_series_or_proof__refused(
    world: MatchingWorld, series_id: int, reverts: Reverts
) -> None:
    mine, other = world.place(FIRST, series_id, True, PRICE), world.place(FIRST, series_id, True, PRICE + 1)
    given, signature = world.receipt(0, mine)
    world.commit(series_id, [mine])
    forged = other.leaf_fields(world.domain, series_id, 0)
    with reverts("LeafNotCommitted", other.leaf(world.domain, series_id, 0), 0):
        world.chain.send(
            world.matching.functions.challengeReplaced(astuple(given), signature, 0, forged, []),
        )
