"""The sender under crashes, foreign nonces, rising fees, reorgs, empty purses: each key lands once, or says why not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account
from web3.types import TxReceipt

from oracle.chain import reverts
from oracle.chain.accounts import anvil_account
from oracle.chain.anvil import AnvilProcess
from oracle.chain.client import ChainClient
from oracle.chain.fees import GWEI
from oracle.chain.sender import Sender
from oracle.domain.outbox import MemoryOutbox, Outbox, OutboxEntry, OutboxState
from oracle.errors import (
    Conflict,
    ContractRevert,
    FeeAboveCap,
    InvalidInput,
    TransactionNotMined,
    UnfundedKey,
    UnsafeSetup,
)
from tests.support.counter import count, deploy_counter
from tests.support.market import settings_in
from tests.support.waiting import until

OPERATOR = anvil_account(1)


@pytest.fixture
def anvil(tmp_path: Path) -> Iterator[AnvilProcess]:
    process = AnvilProcess.start(settings_in(tmp_path), timestamp=1_700_000_000)
    yield process
    process.stop()


@pytest.fixture
def client(anvil: AnvilProcess, tmp_path: Path) -> ChainClient:
    return ChainClient.connect(settings_in(tmp_path, tx_timeout_secs=0.3), anvil.rpc_url)


@pytest.fixture
def outbox() -> MemoryOutbox:
    return MemoryOutbox()


@pytest.fixture
def sender(client: ChainClient, outbox: MemoryOutbox) -> Sender:
    return Sender(client, OPERATOR, outbox)


@pytest.fixture
def counter(sender: Sender) -> str:
    return deploy_counter(sender)


class CrashBeforeBroadcast(MemoryOutbox):
    """Dies as kill -9 would, just after an entry is on disk."""

    def insert(self, entry: OutboxEntry) -> None:
        super().insert(entry)
        raise KeyboardInterrupt


def in_background(work: Callable[[], TxReceipt]) -> tuple[threading.Thread, list[TxReceipt]]:
    done: list[TxReceipt] = []
    thread = threading.Thread(target=lambda: done.append(work()), daemon=True)
    thread.start()
    return thread, done


def entry_of(outbox: Outbox, client: ChainClient, key: str) -> OutboxEntry:
    entry = outbox.get(client.chain_key, key)
    assert entry is not None
    return entry


def test_send__same_key_twice__lands_once(client: ChainClient, sender: Sender, counter: str) -> None:
    first, second = sender.send("a", counter, b""), sender.send("a", counter, b"")
    assert first["transactionHash"] == second["transactionHash"]
    assert count(client, counter) == 1


def test_send__same_key_other_call__conflict(sender: Sender, counter: str) -> None:
    sender.send("a", counter, b"")
    with pytest.raises(Conflict):
        sender.send("a", counter, b"", 1)


@pytest.mark.parametrize(("key", "to", "value"), [("", None, 0), ("a", "0x12", 0), ("a", None, -1)])
def test_send__bad_arguments__invalid_input(sender: Sender, key: str, to: str | None, value: int) -> None:
    with pytest.raises(InvalidInput):
        sender.send(key, to, b"", value)


def test_send__call_that_reverts__nothing_sent_and_key_free(
    client: ChainClient, sender: Sender, outbox: MemoryOutbox, counter: str
) -> None:
    nonce = client.nonce(OPERATOR.address)
    with pytest.raises(ContractRevert):
        sender.send("a", counter, b"\x01")
    assert outbox.get(client.chain_key, "a") is None
    assert client.nonce(OPERATOR.address) == nonce


def test_send__threads_with_many_keys__each_lands_once(client: ChainClient, sender: Sender, counter: str) -> None:
    work = [in_background(lambda key=f"k{i % 6}": sender.send(key, counter, b"")) for i in range(12)]  # type: ignore[misc]
    for thread, _ in work:
        thread.join(30)
    assert all(done for _, done in work)
    assert count(client, counter) == 6


def test_send__killed_after_persisting__identical_transaction_lands_once(
    client: ChainClient, sender: Sender, counter: str
) -> None:
    crashing = CrashBeforeBroadcast()
    with pytest.raises(KeyboardInterrupt):
        Sender(client, OPERATOR, crashing).send("a", counter, b"")
    persisted = entry_of(crashing, client, "a")
    assert count(client, counter) == 0
    receipt = Sender(client, OPERATOR, crashing).send("a", counter, b"")
    assert bytes(receipt["transactionHash"]) == persisted.attempts[0].tx_hash
    assert count(client, counter) == 1


def test_send__killed_after_broadcast__found_mined(client: ChainClient, sender: Sender, counter: str) -> None:
    crashing = CrashBeforeBroadcast()
    with pytest.raises(KeyboardInterrupt):
        Sender(client, OPERATOR, crashing).send("a", counter, b"")
    client.broadcast(entry_of(crashing, client, "a").attempts[0].raw)
    until(lambda: count(client, counter) == 1)
    Sender(client, OPERATOR, crashing).send("a", counter, b"")
    assert count(client, counter) == 1


def test_resume__persisted_never_broadcast__lands(client: ChainClient, sender: Sender, counter: str) -> None:
    crashing = CrashBeforeBroadcast()
    with pytest.raises(KeyboardInterrupt):
        Sender(client, OPERATOR, crashing).send("a", counter, b"")
    assert [entry.key for entry in Sender(client, OPERATOR, crashing).resume()] == ["a"]
    until(lambda: count(client, counter) == 1)


def test_send__gap_of_an_unsent_transaction__filled_first(client: ChainClient, sender: Sender, counter: str) -> None:
    crashing = CrashBeforeBroadcast()
    with pytest.raises(KeyboardInterrupt):
        Sender(client, OPERATOR, crashing).send("a", counter, b"")
    later = MemoryOutbox()
    later.insert(entry_of(crashing, client, "a"))
    Sender(client, OPERATOR, later).send("b", counter, b"")
    assert count(client, counter) == 2


def test_send__nonce_used_elsewhere__signed_again_and_lands_once(
    client: ChainClient, sender: Sender, counter: str
) -> None:
    crashing = CrashBeforeBroadcast()
    with pytest.raises(KeyboardInterrupt):
        Sender(client, OPERATOR, crashing).send("a", counter, b"")
    Sender(client, OPERATOR, MemoryOutbox()).send("foreign", OPERATOR.address, b"", 1)
    receipt = Sender(client, OPERATOR, crashing).send("a", counter, b"")
    entry = entry_of(crashing, client, "a")
    assert [attempt.nonce for attempt in entry.attempts] == [1, 2]
    assert bytes(receipt["transactionHash"]) == entry.attempts[1].tx_hash
    assert count(client, counter) == 1


def test_send__nonce_used_elsewhere_and_call_now_fails__abandoned(
    client: ChainClient, sender: Sender, counter: str
) -> None:
    crashing = CrashBeforeBroadcast()
    with pytest.raises(KeyboardInterrupt):
        Sender(client, OPERATOR, crashing).send("a", counter, b"")
    Sender(client, OPERATOR, MemoryOutbox()).send("foreign", OPERATOR.address, b"", 1)
    client.rpc("anvil_setCode", counter, "0x5f5ffd")
    with pytest.raises(ContractRevert):
        Sender(client, OPERATOR, crashing).send("a", counter, b"")
    assert entry_of(crashing, client, "a").state is OutboxState.ABANDONED
    client.rpc("anvil_setCode", counter, "0x00")
    Sender(client, OPERATOR, crashing).send("a", counter, b"")
    assert entry_of(crashing, client, "a").state is OutboxState.MINED


def test_send__stuck_in_the_pool__replaced_with_higher_fees(
    client: ChainClient, sender: Sender, outbox: MemoryOutbox, counter: str
) -> None:
    client.rpc("evm_setAutomine", False)
    thread, done = in_background(lambda: sender.send("a", counter, b""))
    until(lambda: (e := outbox.get(client.chain_key, "a")) is not None and len(e.attempts) > 1)
    client.rpc("evm_setAutomine", True)
    client.mine()
    thread.join(30)
    attempts = entry_of(outbox, client, "a").attempts
    assert len({attempt.nonce for attempt in attempts}) == 1
    assert attempts[1].max_fee_per_gas * 8 >= attempts[0].max_fee_per_gas * 9
    assert attempts[1].max_priority_fee_per_gas * 8 >= attempts[0].max_priority_fee_per_gas * 9
    assert done[0]["status"] == 1
    assert count(client, counter) == 1


def test_send__stuck_at_the_cap__never_pays_more_and_stays_in_the_outbox(
    anvil: AnvilProcess, tmp_path: Path, counter: str
) -> None:
    settings = settings_in(tmp_path, tx_timeout_secs=0.05, max_fee_gwei=3)
    capped, outbox = ChainClient.connect(settings, anvil.rpc_url), MemoryOutbox()
    capped.rpc("evm_setAutomine", False)
    with pytest.raises(TransactionNotMined):
        Sender(capped, OPERATOR, outbox).send("a", counter, b"")
    entry = entry_of(outbox, capped, "a")
    assert entry.state is OutboxState.PENDING
    assert max(attempt.max_fee_per_gas for attempt in entry.attempts) <= 3 * GWEI
    capped.rpc("evm_setAutomine", True)
    capped.mine()
    assert Sender(capped, OPERATOR, outbox).send("a", counter, b"")["status"] == 1
    assert count(capped, counter) == 1


def test_send__base_fee_above_cap__waits_without_a_transaction(
    client: ChainClient, sender: Sender, outbox: MemoryOutbox, counter: str
) -> None:
    client.rpc("anvil_setNextBlockBaseFeePerGas", hex(500 * GWEI))
    client.mine()
    with pytest.raises(FeeAboveCap):
        sender.send("a", counter, b"")
    assert outbox.get(client.chain_key, "a") is None


def test_send__reorg_drops_it__lands_again_once(
    client: ChainClient, sender: Sender, outbox: MemoryOutbox, counter: str
) -> None:
    client.mine(3)
    first = sender.send("a", counter, b"")
    client.rpc("anvil_reorg", 1, [])
    assert client.receipt(bytes(first["transactionHash"])) is None
    assert count(client, counter) == 0
    again = sender.send("a", counter, b"")
    assert again["transactionHash"] == first["transactionHash"]
    assert again["blockHash"] != first["blockHash"]
    assert count(client, counter) == 1
    assert entry_of(outbox, client, "a").block_hash == bytes(again["blockHash"])


def test_send__reorg_while_it_waits_for_confirmations__lands_again(anvil: AnvilProcess, tmp_path: Path) -> None:
    patient = ChainClient.connect(settings_in(tmp_path, confirmations=2, tx_timeout_secs=10), anvil.rpc_url)
    quick = ChainClient.connect(settings_in(tmp_path), anvil.rpc_url)
    counter = deploy_counter(Sender(quick, OPERATOR, MemoryOutbox()))
    quick.mine(3)
    outbox = MemoryOutbox()
    thread, done = in_background(lambda: Sender(patient, OPERATOR, outbox).send("a", counter, b""))
    until(lambda: (e := outbox.get(quick.chain_key, "a")) is not None and e.state is OutboxState.MINED)
    quick.rpc("anvil_reorg", 1, [])
    until(lambda: count(quick, counter) == 1)
    assert not done
    quick.mine(2)
    thread.join(30)
    assert quick.head().number >= done[0]["blockNumber"] + 2
    assert count(quick, counter) == 1


def test_send__unfunded_key__says_which_and_how_much(client: ChainClient, counter: str) -> None:
    poor = Account.from_key("0x" + "5b" * 32)
    with pytest.raises(UnfundedKey) as caught:
        Sender(client, poor, MemoryOutbox()).send("a", counter, b"")
    assert poor.address in str(caught.value)
    assert poor.address in caught.value.remedy


def test_send__mined_but_reverted__says_why_and_key_is_used_up(
    client: ChainClient, sender: Sender, outbox: MemoryOutbox, counter: str
) -> None:
    crashing = CrashBeforeBroadcast()
    with pytest.raises(KeyboardInterrupt):
        Sender(client, OPERATOR, crashing).send("a", counter, b"")
    # Error(string) "no"
    text = "08c379a0" + f"{32:064x}" + f"{2:064x}" + b"no".hex().ljust(64, "0")
    store = f"60{len(text) // 2:02x}600c5f3960{len(text) // 2:02x}5ffd"
    client.rpc("anvil_setCode", counter, "0x" + store.ljust(24, "0") + text)
    for _ in range(2):
        with pytest.raises(reverts.Error) as caught:
            Sender(client, OPERATOR, crashing).send("a", counter, b"")
        assert caught.value.args_ == ("no",)
    assert entry_of(crashing, client, "a").state is OutboxState.REVERTED
    assert client.nonce(OPERATOR.address) == 2


def test_send__two_processes_one_key_of_account__both_land(client: ChainClient, counter: str) -> None:
    senders = [Sender(client, OPERATOR, MemoryOutbox()) for _ in range(2)]
    for round_ in range(3):
        work = [
            in_background(lambda s=s, key=f"{i}-{round_}": s.send(key, counter, b""))  # type: ignore[misc]
            for i, s in enumerate(senders)
        ]
        for thread, _ in work:
            thread.join(30)
        assert all(done for _, done in work)
    assert count(client, counter) == 6


def test_sender__public_key_off_local_chains__unsafe(client: ChainClient) -> None:
    elsewhere = ChainClient(client.settings, client.web3, 1, "1:00")
    with pytest.raises(UnsafeSetup):
        Sender(elsewhere, OPERATOR, MemoryOutbox())


def test_send__anvil_stopped_and_started__same_key_still_lands_once(tmp_path: Path) -> None:
    settings, state = settings_in(tmp_path, tx_timeout_secs=0.3), tmp_path / "chain.json"
    outbox = MemoryOutbox()
    first = AnvilProcess.start(settings, timestamp=1_700_000_000, state_file=state)
    client = ChainClient.connect(settings, first.rpc_url)
    counter = deploy_counter(Sender(client, OPERATOR, outbox))
    Sender(client, OPERATOR, outbox).send("a", counter, b"")
    first.stop()
    second = AnvilProcess.start(settings, timestamp=1_700_000_000, state_file=state)
    try:
        again = ChainClient.connect(settings, second.rpc_url)
        assert again.chain_key == client.chain_key
        Sender(again, OPERATOR, outbox).send("a", counter, b"")
        Sender(again, OPERATOR, outbox).send("b", counter, b"")
        assert count(again, counter) == 2
    finally:
        second.stop()


def test_send__fresh_chain_with_the_old_outbox__sends_anew(tmp_path: Path, anvil: AnvilProcess) -> None:
    settings, outbox = settings_in(tmp_path), MemoryOutbox()
    client = ChainClient.connect(settings, anvil.rpc_url)
    deploy_counter(Sender(client, OPERATOR, outbox))
    other = AnvilProcess.start(settings, timestamp=1_700_000_000)
    try:
        fresh = ChainClient.connect(settings, other.rpc_url)
        assert fresh.chain_key != client.chain_key
        assert fresh.code(deploy_counter(Sender(fresh, OPERATOR, outbox)))
    finally:
        other.stop()


def test_replace__somebody_was_faster__theirs_holds(client: ChainClient, sender: Sender, counter: str) -> None:
    crashing = CrashBeforeBroadcast()
    with pytest.raises(KeyboardInterrupt):
        Sender(client, OPERATOR, crashing).send("a", counter, b"")
    entry = entry_of(crashing, client, "a")
    crashing.replace(replace(entry, revision=1))
    with pytest.raises(Conflict):
        crashing.replace(replace(entry, revision=1))
    Sender(client, OPERATOR, crashing).send("a", counter, b"")
    assert count(client, counter) == 1
