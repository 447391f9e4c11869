"""A remote signer: it signs what is sent, and nothing else that it gives back is ever broadcast."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_utils.address import to_checksum_address

from oracle.chain.accounts import anvil_account, configured_account
from oracle.chain.anvil import AnvilProcess
from oracle.chain.client import ChainClient
from oracle.chain.sender import Sender
from oracle.chain.signers import RemoteSigner
from oracle.domain.outbox import MemoryOutbox
from oracle.errors import ConfigurationError, SignerUnavailable, UnsafeSetup
from oracle.settings import Settings
from tests.support.counter import count, deploy_counter
from tests.support.http_stub import Reply, serving
from tests.support.market import settings_in

OPERATOR = anvil_account(1)
OTHER = anvil_account(2)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[ChainClient]:
    settings = settings_in(tmp_path, tx_timeout_secs=0.3)
    anvil = AnvilProcess.start(settings, timestamp=1_700_000_000)
    yield ChainClient.connect(settings, anvil.rpc_url)
    anvil.stop()


def signing(
    change: Callable[[dict[str, Any]], None] = lambda _: None, key: Any = OPERATOR, form: str = "web3signer"
) -> Callable[[bytes], Reply]:
    """A signer that changes what it is asked to sign, signs with `key`, and answers in one of the two usual forms."""

    def reply(body: bytes) -> Reply:
        call = json.loads(body)
        assert call["method"] == "eth_signTransaction"
        asked = call["params"][0]
        assert asked.pop("from") == OPERATOR.address
        transaction = {**asked, "to": to_checksum_address(asked["to"]) if "to" in asked else ""}
        change(transaction)
        raw = Account.sign_transaction(transaction, key.key).raw_transaction.to_0x_hex()
        result = raw if form == "web3signer" else {"raw": raw, "tx": {}}
        return 200, {}, json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()

    return reply


@pytest.mark.parametrize("form", ["web3signer", "clef"])
def test_send__by_a_remote_signer__lands(client: ChainClient, form: str) -> None:
    with serving(signing(form=form)) as url:
        sender = Sender(client, RemoteSigner(url, OPERATOR.address.lower()), MemoryOutbox())
        counter = deploy_counter(sender)
        sender.send("increment", counter, b"")
    assert count(client, counter) == 1


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (lambda tx: tx.update(value="0x1"), OPERATOR),
        (lambda tx: tx.update(nonce="0x63"), OPERATOR),
        (lambda tx: tx.update(maxFeePerGas="0xffffffffff"), OPERATOR),
        (lambda tx: tx.update(to=OTHER.address), OPERATOR),
        (lambda tx: tx.update(data="0xdeadbeef"), OPERATOR),
        (lambda tx: tx.update(chainId="0x1"), OPERATOR),
        (lambda tx: tx.update(accessList=[{"address": OTHER.address, "storageKeys": []}]), OPERATOR),
        (lambda _: None, OTHER),
    ],
    ids=["value", "nonce", "fee", "to", "data", "chain", "access list", "another key"],
)
def test_send__signer_that_signs_something_else__is_refused(
    client: ChainClient, change: Callable[[dict[str, Any]], None], key: Any
) -> None:
    before = client.head().number
    with serving(signing(change, key)) as url, pytest.raises(ConfigurationError, match="not what"):
        deploy_counter(Sender(client, RemoteSigner(url, OPERATOR.address), MemoryOutbox()))
    assert client.head().number == before
    assert client.nonce(OPERATOR.address) == 0


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": {"code": -32000, "message": "unknown account"}}, ConfigurationError),
        ({"result": None}, ConfigurationError),
        ({"result": "0xzz"}, ConfigurationError),
        ({"result": "0x02c0"}, ConfigurationError),
        ([], ConfigurationError),
    ],
)
def test_send__signer_that_refuses__says_so(client: ChainClient, body: Any, error: type[Exception]) -> None:
    with serving(lambda _: (200, {}, json.dumps(body).encode())) as url, pytest.raises(error):
        deploy_counter(Sender(client, RemoteSigner(url, OPERATOR.address), MemoryOutbox()))


def test_sign__signer_down__may_be_tried_again() -> None:
    with serving(signing()) as url:
        pass
    with pytest.raises(SignerUnavailable, match="does not answer"):
        RemoteSigner(url, OPERATOR.address).sign_transaction(
            dict.fromkeys(("type", "chainId", "nonce", "gas", "maxFeePerGas", "maxPriorityFeePerGas", "value"), 1)
            | {"to": "", "data": b""}
        )


def test_configured_account__signer_without_address__is_refused() -> None:
    with pytest.raises(ConfigurationError, match="without the address"):
        configured_account(Settings(signer_url="http://127.0.0.1:9000"))


def test_sender__well_known_address_behind_a_signer__is_unsafe_off_local_chains(tmp_path: Path) -> None:
    from oracle.chain.accounts import operator_account

    settings = settings_in(tmp_path, chain_id=1, signer_url="http://127.0.0.1:9000", signer_address=OPERATOR.address)
    with pytest.raises(UnsafeSetup):
        operator_account(settings)
