"""How the Heston net does on options that its training never saw, and what an expansion in closed form would do."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np

from models._black import black_call
from models._heston_price import HestonRows, heston_call, heston_volatility, mean_variance
from models._registry import Array, Bar, Draw, Fitted, Report

BASIS_POINTS: Final = 1e4
QUANTLIB_ROWS: Final = 200
DAYS: Final = 365
BARS: Final = {"RMSE": 40.0, "99 % quantile": 150.0, "largest": 400.0}
PRICE_BAR: Final = 5.0
REFERENCE_BAR: Final = 1e-9
QUADRATIC: Final = "least squares, all products of two inputs"


def evaluate(fitted: Fitted, options: HestonRows, got: Array, quadratic: Array) -> Report:
    """Errors of implied volatility and price on `options`: the net's (`got`), a flat smile's, a quadratic fit's."""
    expected = heston_volatility(options)
    volatilities = {"net": got, QUADRATIC: quadratic, "s, no smile": np.sqrt(mean_variance(options))}
    rows = {name: _measures((value - expected) * BASIS_POINTS) for name, value in volatilities.items()}
    price = price_errors(options, got, expected)
    bars = [
        Bar(f"implied volatility, {name}, bp", rows["net"][name], limit, baseline=rows[QUADRATIC][name])
        for name, limit in BARS.items()
    ]
    bars += [
        Bar("price, mean absolute error, bp of the forward", float(price.mean()), PRICE_BAR),
        Bar("reference against QuantLib, largest, of the forward", reference_gap(options), REFERENCE_BAR),
    ]
    figures: dict[str, Draw] = {"errors": partial(_draw, options, (got - expected) * BASIS_POINTS)}
    return Report(tuple(bars), _text(rows, price, fitted, len(options)), LIMITS, (), figures)


def price_errors(options: HestonRows, got: Array, expected: Array) -> Array:
    """Absolute errors of call prices, in basis points of the forward."""
    root = np.sqrt(options.years)
    k = options.log_moneyness
    return np.asarray(np.abs(black_call(k, got * root) - black_call(k, expected * root)) * BASIS_POINTS)


def reference_gap(options: HestonRows) -> float:
    """Largest difference of our integral to QuantLib's adaptive one, on the first options with whole days."""
    few = _whole_days(options.rows(slice(0, QUANTLIB_ROWS)))
    return float(np.abs(heston_call(few) - quantlib_call(few)).max())


def quantlib_call(options: HestonRows) -> Array:
    """Undiscounted call prices by QuantLib's AnalyticHestonEngine."""
    import QuantLib as ql  # noqa: N813, PLC0415

    today = ql.Date(2, 1, 2026)
    ql.Settings.instance().evaluationDate = today
    # A day count in which a day is as long as the option asks for: QuantLib's dates have no fractions
    prices = []
    for i in range(len(options)):
        years, k = float(options.years[i]), float(options.log_moneyness[i])
        scale = years * DAYS / max(1, round(years * DAYS))
        curve = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.0, ql.Actual365Fixed()))
        spot = ql.QuoteHandle(ql.SimpleQuote(1.0))
        # Time runs faster by `scale`: rates and variances grow with it
        v0, kappa, theta, xi = (
            float(value[i]) * scale for value in (options.v0, options.kappa, options.theta, options.xi)
        )
        model = ql.HestonModel(ql.HestonProcess(curve, curve, spot, v0, kappa, theta, xi, float(options.rho[i])))
        engine = ql.AnalyticHestonEngine(model, 1e-12, 100_000)
        expiry = ql.EuropeanExercise(today + max(1, round(years * DAYS)))
        option = ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Call, float(np.exp(k))), expiry)
        option.setPricingEngine(engine)
        prices.append(float(option.NPV()))
    return np.array(prices)


def _whole_days(p: HestonRows) -> HestonRows:
    years = np.round(p.years * DAYS) / DAYS
    return HestonRows(p.log_moneyness, years, p.v0, p.kappa, p.theta, p.xi, p.rho)


def _measures(gaps: Array) -> dict[str, float]:
    size = np.abs(gaps)
    return {
        "RMSE": float(np.sqrt(np.mean(gaps**2))),
        "99 % quantile": float(np.quantile(size, 0.99)),
        "largest": float(size.max()),
    }


def _text(rows: dict[str, dict[str, float]], price: Array, fitted: Fitted, count: int) -> str:
    lines = [
        f"{count:,} options drawn evenly over the domain by a seed of their own; errors of implied volatility in basis",
        "points. The least squares are fitted to 10,000 other options; they are the baseline above.",
        "",
        "| | RMSE | 99 % | largest |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {name} | " + " | ".join(f"{value:,.1f}" for value in row.values()) + " |" for name, row in rows.items()
    ]
    scores = list(fitted.seed_scores.values())
    lines += [
        "",
        f"Price error of the net: mean {price.mean():.2f} bp of the forward, 99 % {np.quantile(price, 0.99):.2f}, "
        f"largest {price.max():.2f}.",
        f"RMSE of {len(scores)} seeds on validation options: {min(scores, default=0):.1f} to",
        f"{max(scores, default=0):.1f} bp.",
    ]
    return "\n".join(lines)


LIMITS: Final = """- Trained on Heston's model: the error above is to the model, not to a market.
- Five numbers cannot fit a whole surface; the signers choose which expiries and strikes they fit best.
- The net is no arbitrage-free surface: between two strikes its volatility is piecewise linear in its inputs."""


def _draw(options: HestonRows, gaps: Array, axes: Any) -> None:
    z = options.log_moneyness / np.sqrt(mean_variance(options) * options.years)
    order = np.array_split(np.argsort(z), 40)
    middle = [float(z[part].mean()) for part in order]
    for share, label in ((0.5, "median"), (0.95, "95 %"), (0.99, "99 %")):
        axes.plot(middle, [float(np.quantile(np.abs(gaps[part]), share)) for part in order], label=label)
    axes.set_xlabel("strike, standard deviations from the forward")
    axes.set_ylabel("error of the net, bp of volatility")
    axes.legend(frameon=False)
