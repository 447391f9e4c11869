"""Reports as values: alike when their fields are, in the ABI's order, under the domain of their kind of feed."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError

import pytest

from oracle.domain.observations import (
    REPORT_FIELDS,
    VECTOR_DOMAIN_NAME,
    VECTOR_REPORT_FIELDS,
    Observation,
    Report,
    ReportDomain,
    VectorReport,
)
from oracle.settings import PROJECT_ROOT

REPORT = Report(round_id=1, observed_at=2, price=3, publisher_set_version=4)
VECTOR = VectorReport(round_id=1, observed_at=2, values=(-3, 5), publisher_set_version=4)


def test_as_tuple__each_report__in_the_abis_order() -> None:
    assert (REPORT.as_tuple(), VECTOR.as_tuple()) == ((1, 2, 3, 4), (1, 2, (-3, 5), 4))


@pytest.mark.parametrize(
    ("interface", "struct", "fields"),
    [
        ("IObservationFeed", "Report", REPORT_FIELDS),
        ("IVectorObservationFeed", "VectorReport", VECTOR_REPORT_FIELDS),
    ],
)
def test_fields__of_the_typed_data__those_of_the_contracts_struct(
    interface: str, struct: str, fields: tuple[tuple[str, str], ...]
) -> None:
    source = (PROJECT_ROOT / "contracts" / "interfaces" / f"{interface}.sol").read_text()
    found = re.search(rf"struct {struct} \{{([^}}]*)\}}", source)
    assert found is not None
    members = re.findall(r"^\s*([\w\[\]]+) (\w+);", found[1], re.MULTILINE)
    assert [(name, kind) for kind, name in members] == list(fields)


@pytest.mark.parametrize(
    "value", [Observation(1, 2), REPORT, VECTOR, ReportDomain(1, "0x1")], ids=lambda v: type(v).__name__
)
def test_values__of_equal_fields__equal_and_fixed(value: object) -> None:
    again = type(value)(*(getattr(value, name) for name in type(value).__slots__))  # type: ignore[attr-defined]
    assert again == value
    assert len({again, value}) == 1
    with pytest.raises(FrozenInstanceError):
        setattr(value, type(value).__slots__[0], 9)  # type: ignore[attr-defined]


def test_report_domain__nothing_said__of_a_price_feed() -> None:
    assert ReportDomain(1, "0x1") == ReportDomain(1, "0x1", "Plumbline ObservationFeed", "1")
    assert VECTOR_DOMAIN_NAME == "Plumbline VectorObservationFeed"
