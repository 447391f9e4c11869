"""The replay: at each step of the market a decision, a proof where it says so, and the loan's keeper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from oracle.chain.feeds import ObservationFeed
from oracle.cli.demo.loan import Loan
from oracle.cli.demo.report import RoundRow, sample_volatility
from oracle.cli.market_plan import MarketNames
from oracle.cli.service_access import request_error
from oracle.daemon.feeder import Feeder, FeederRule
from oracle.daemon.observing import Observer
from oracle.daemon.service import OracleService
from oracle.domain.features import PRICES
from oracle.domain.push_policy import Push
from oracle.domain.requests import Request, RequestState
from oracle.errors import SourceExhausted
from oracle.market.base import MarketSource

# A new proof when the expected answer has moved so far; a live feed is set finer
DEVIATION_BPS: Final = 500
# Observations at most for each proof: an endless market that never moves would otherwise never end
STEPS_PER_ROUND: Final = 20
HEALTHY: Final = 1 << 255


@dataclass(frozen=True, slots=True)
class Progress:
    """What the replay tells while it runs."""

    observation: Callable[[int, int, str], None]  # observed at, price, the feeder's reason
    round: Callable[[RoundRow], None]


@dataclass
class Replay:
    """Steps a market through the service until it ends or enough rounds are proven."""

    service: OracleService
    source: MarketSource
    names: MarketNames
    loan: Loan
    progress: Progress
    rows: list[RoundRow] = field(default_factory=list)
    steps: int = 0

    def run(self, rounds: int) -> None:
        """All steps. Raises the error that a request failed with."""
        parts = self.service.parts
        volatility = parts.feed(self.names.volatility)
        feeder = Feeder(
            parts,
            Observer(parts),
            feeds=lambda: [volatility],
            push=lambda name: None,
            idle=lambda: False,
            on_fatal=lambda error: None,
            rule=FeederRule(deviation_threshold_bps=DEVIATION_BPS),
        )
        while len(self.rows) < rounds and self.steps < rounds * STEPS_PER_ROUND:
            decision = feeder.decision(volatility)
            proven = decision.push is Push.YES
            try:
                result = self._push(self.names.volatility if proven else self.names.price)
            except SourceExhausted:
                return
            self.steps += 1
            observed_at, price = int(result["observedAt"]), int(result["price"])
            self.progress.observation(observed_at, price, decision.reason)
            if not self.loan.events:
                self.loan.open(observed_at)
            self.loan.step(observed_at)
            if proven:
                self._add(result)

    def _push(self, name: str) -> dict[str, Any]:
        request: Request = self.service.wait(self.service.push(name).id)
        if request.state is not RequestState.FULFILLED or request.result is None:
            cause = request.cause.as_json() if request.cause else {}
            raise request_error({"id": request.id, "state": request.state.value, "cause": cause})
        return dict(request.result)

    def _add(self, result: dict[str, Any]) -> None:
        feed = ObservationFeed(self.service.parts.client, self.service.parts.feed(self.names.price).address)
        prices, _ = feed.window(int(result["observationRound"]), PRICES)
        position = self.loan.position()
        row = RoundRow(
            round_id=int(result["roundId"]),
            observed_at=int(result["observedAt"]),
            price=int(result["price"]),
            observed_vol=sample_volatility(prices, self.source.periods_per_year),
            proven_vol_wad=int(result["provenAnswer"]),
            liquidation_ltv_wad=self.loan.liquidation_ltv(),
            health_factor_wad=position.health_factor if position.health_factor < HEALTHY else None,
            state=position.state.name.lower(),
            gas=int(result["gasUsed"]),
            seconds=result["seconds"],
            tx_hash=str(result["txHash"]),
        )
        self.rows.append(row)
        self.progress.round(row)
