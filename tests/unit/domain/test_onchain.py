"""What is asked for on chain: its statuses as the contract numbers them, and whether its fee pays for an answer."""

from __future__ import annotations

import re
from dataclasses import replace
from enum import IntEnum

import pytest

from oracle.domain.onchain import NATIVE, AskedInference, CallbackStatus, FeeRule, OnchainRequest, OnchainStatus
from oracle.errors import ConfigurationError
from oracle.settings import PROJECT_ROOT

TOKEN = "0x" + "aB" * 20
US, OTHER = "0x" + "11" * 20, "0x" + "22" * 20
# An answer with a callback of 300,000 gas costs a million
REQUEST = OnchainRequest(
    1, OnchainStatus.OPEN, US, 0, 1, 1, b"", NATIVE, 0, 300_000, 10**6, NATIVE, 500, CallbackStatus.NONE, NATIVE, 0
)


@pytest.mark.parametrize(("ours", "name"), [(OnchainStatus, "RequestStatus"), (CallbackStatus, "CallbackStatus")])
def test_status__each__numbered_as_in_the_contract(ours: type[IntEnum], name: str) -> None:
    source = (PROJECT_ROOT / "contracts/types/RequestTypes.sol").read_text()
    found = re.search(rf"enum {name} \{{([^}}]*)\}}", source)
    assert found is not None
    words = re.findall(r"^\s*(\w+),?", re.sub(r"//.*", "", found[1]), re.M)
    assert [one.name for one in ours] == [word.upper() for word in words]
    assert [one.value for one in ours] == list(range(len(words)))


def test_as_json__asked_inference__there_and_back() -> None:
    asked = AskedInference(2**60, 2**61, 3, US, 1_700_000_000, (-(2**62), 5), 77, "0x" + "33" * 32)
    told = asked.as_json()
    assert told == {
        "onchainId": "1152921504606846976",
        "modelId": "2305843009213693952",
        "version": 3,
        "payer": US,
        "observedAt": 1_700_000_000,
        "inputs": ["-4611686018427387904", "5"],
        "blockNumber": 77,
        "blockHash": "0x" + "33" * 32,
    }
    assert AskedInference.from_json(told) == asked
    assert AskedInference.from_json({name: str(value) for name, value in told.items()} | {"inputs": []}).version == 3


@pytest.mark.parametrize(
    ("prover", "now", "another"),
    [(NATIVE, 0, False), (US, 0, False), (OTHER, 499, True), (OTHER, 500, True), (OTHER, 501, False)],
)
def test_assigned_to_another__its_time__through_the_last_second(prover: str, now: int, another: bool) -> None:
    assert replace(REQUEST, prover=prover).assigned_to_another(frozenset({US}), now) is another


@pytest.mark.parametrize(
    ("over_gas", "fee", "gas_price", "pays"),
    [
        (1.0, 10**6, 1, True),
        (1.0, 10**6 - 1, 1, False),
        (1.5, 3 * 10**6, 2, True),
        (1.5, 3 * 10**6 - 1, 2, False),
        (0.0, 0, 10**9, True),
        (1.0, 0, 0, True),
    ],
)
def test_pays__fee_at_and_below_the_cost__exact(over_gas: float, fee: int, gas_price: int, pays: bool) -> None:
    assert FeeRule(over_gas).pays(replace(REQUEST, fee=fee), gas_price) is pays


def test_pays__no_rule_given__what_the_gas_costs() -> None:
    assert FeeRule().pays(REQUEST, 1)
    assert not FeeRule().pays(REQUEST, 2)


@pytest.mark.parametrize(
    ("worths", "token", "fee", "pays"),
    [
        (f"{TOKEN}=4", TOKEN, 250_000, True),
        (f"{TOKEN}=4", TOKEN, 249_999, False),
        (f" {TOKEN.upper().replace('X', 'x')} = 4 , {OTHER}=1e6,", TOKEN, 250_000, True),
        (f"{TOKEN}=4,{OTHER}=1e6", OTHER, 1, True),
        (f"{TOKEN}=4", OTHER, 10**30, False),
        (f"{TOKEN}=4", NATIVE, 10**6, True),
        ("", TOKEN, 10**30, False),
        ("", NATIVE, 10**6, True),
        ("", NATIVE[:2] + NATIVE[2:], 10**6, True),  # as a chain's client gives it: equal, not the same object
        ("", NATIVE[:2] + NATIVE[2:], 10**6 - 1, False),
    ],
)
def test_covers__fee_in_a_token__by_what_the_settings_say_it_is_worth(
    worths: str, token: str, fee: int, pays: bool
) -> None:
    assert FeeRule.parsed(1.0, worths).covers(fee, token, 300_000, 1) is pays


def test_covers__no_worths_known__native_alone() -> None:
    assert not FeeRule().covers(10**30, TOKEN, 0, 1)
    assert FeeRule().covers(700_000, NATIVE, 0, 1)
    assert not FeeRule().covers(699_999, NATIVE, 0, 1)


@pytest.mark.parametrize("text", ["0xaa", "0xaa=", "0xaa=much", f"{TOKEN}=1,0xbb"])
def test_parsed__no_worth__refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not TOKEN=WEI") as found:
        FeeRule.parsed(1.0, text)
    assert "PLUMBLINE_FEE_TOKEN_WEI" in str(found.value.remedy)
