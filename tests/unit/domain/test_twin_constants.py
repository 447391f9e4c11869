"""Constants that stand in Python and in Solidity: of the same name, hence of the same value."""

from __future__ import annotations

import importlib
import re
from fractions import Fraction

import pytest

from oracle.domain import normal
from oracle.settings import PROJECT_ROOT

# Each twin in oracle/domain, and the sources of what it is a twin of
TWINS = {
    "black76": ("libraries/Black76",),
    "cascade": ("features/CascadeModule",),
    "direction": ("features/DirectionModule",),
    "features": ("features/GarchVolatilityModule", "libraries/StandardisedReturns"),
    "garch": ("features/GarchVolatilityModule",),
    "garch_batch": ("features/GarchBatchModule",),
    "gjr": ("features/GjrVolatilityModule",),
    "har": ("features/HarVolatilityModule",),
    "lending": ("libraries/LendingMath", "libraries/Margin"),
    "lending_types": ("consumers/lending/LendingConfigured", "libraries/RiskPolicy"),
    "local_volatility": ("features/LocalVolatilityModule",),
    "logistic": ("libraries/Logistic",),
    "margin": ("libraries/Margin",),
    "market_state": ("libraries/MarketState", "feeds/LiquidationBoard"),
    "matching": ("consumers/matching/OrderMatching",),
    "matching_log": ("consumers/matching/OrderLog",),
    "normal": ("libraries/NormalDistribution",),
    "option_marks": ("features/OptionMarkModule",),
    "options_ledger": ("libraries/RiskPolicy",),
    "options_margin": ("consumers/options/OptionsMargin",),
    "options_scenarios": ("consumers/options/ScenarioMargin",),
    "perp": ("libraries/RiskPolicy",),
    "realised_volatility": ("features/RealisedVolatilityModule", "libraries/RealisedVariance"),
    "rfq": ("consumers/rfq/RfqSettlement",),
    "risk_weight": ("features/RiskWeightModule",),
    "svi": ("libraries/Svi",),
    "tail_risk": ("features/TailRiskModule",),
    "transcendental": ("libraries/Transcendental",),
    "vectors": ("features/VectorModule",),
    "window": ("libraries/WindowReturns", "features/WindowModule"),
}
CONSTANT = re.compile(r"^\s*u?int\d* (?:private|internal|public) constant ([A-Z][A-Z0-9_]*) = ([^;]+);", re.M)
UNITS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
# Under another name on chain
OTHER_NAMES = {"SECS_PER_YEAR": "YEAR"}


def value(expression: str, known: dict[str, Fraction]) -> Fraction | None:
    """A Solidity constant of numbers, earlier constants, + - * / << and **; None for anything else."""
    words = re.sub(r"(?<=\d)_(?=\d)", "", expression)
    words = re.sub(r"(\d[\d.]*) (days|hours|minutes|seconds)", lambda m: f"({m[1]}*{UNITS[m[2]]})", words)
    words = re.sub(r"\b[A-Z][A-Z0-9_]*\b", lambda m: str(known[m[0]]) if m[0] in known else "?", words)
    words = re.sub(r"(\d+)\.?(\d*)e(\d+)", lambda m: str(Fraction(f"{m[1]}.{m[2] or 0}") * 10 ** int(m[3])), words)
    if not re.fullmatch(r"[-+*/<()\d. ]+", words):
        return None
    words = re.sub(r"\d+\.\d+", lambda m: f"Fraction('{m[0]}')", words)
    return Fraction(eval(words, {"Fraction": Fraction}))  # digits and operators alone


def of_solidity(sources: tuple[str, ...]) -> dict[str, Fraction]:
    found: dict[str, Fraction] = {}
    for source in sources:
        for name, expression in CONSTANT.findall((PROJECT_ROOT / "contracts" / f"{source}.sol").read_text()):
            number = value(expression, found)
            if number is not None:
                found[name] = number
    return found


@pytest.mark.parametrize("module", TWINS)
def test_constants__same_name__same_value(module: str) -> None:
    ours = vars(importlib.import_module(f"oracle.domain.{module}"))
    theirs = of_solidity(TWINS[module])
    compared = {}
    for name, number in ours.items():
        plain = re.sub(r"_(WAD|SECS)$", "", name.lstrip("_"))
        plain = OTHER_NAMES.get(plain, plain)
        if name.isupper() and isinstance(number, int) and plain in theirs and plain != "WAD":
            compared[name] = (number, theirs[plain])
    assert compared
    assert {name: pair for name, pair in compared.items() if pair[0] != pair[1]} == {}


def test_mills__coefficients__as_the_contract_has_them() -> None:
    source = (PROJECT_ROOT / "contracts" / "libraries" / "NormalDistribution.sol").read_text()
    body = source[source.index("int256 m = ") - 8 :].replace("int256 m = ", "+ ").replace("m = (m * q >> 96) ", "")
    found = [int(sign + digits) for sign, digits in re.findall(r"^\s*([+-]) (\d+);", body, re.M)]
    assert found == list(reversed(normal.MILLS))
