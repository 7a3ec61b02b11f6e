"""What a reader sees first: the figures with label and format, the signal in a few words, what the guard did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Of the strategy and of its benchmark (as benchmark_<name>).
COMPARED = (
    ("Total return", "total_return", "{:z,.2%}"),
    ("Annual return", "annual_return", "{:z,.2%}"),
    ("Annual volatility", "annual_volatility", "{:z.2%}"),
    ("Sharpe ratio", "sharpe", "{:z.2f}"),
    ("Sortino ratio", "sortino", "{:z.2f}"),
    ("Maximum drawdown", "max_drawdown", "{:z.2%}"),
)
# Of the sessions that were held out, where a run opened them.
HELD_OUT = (
    ("Held-out return", "holdout_total_return", "{:z,.2%}"),
    ("Held-out Sharpe", "holdout_sharpe", "{:z.2f}"),
    ("Held-out drawdown", "holdout_max_drawdown", "{:z.2%}"),
)
FINAL_EQUITY = ("Final equity", "final_equity", "{:z,.2f}")
# Of the strategy's trading.
TRADING = (
    ("Round trips", "trades", "{:,}"),
    ("Win rate", "win_rate", "{:z.1%}"),
    ("Profit factor", "profit_factor", "{:z.2f}"),
    ("Average exposure", "exposure", "{:z.1%}"),
    ("Annual turnover", "annual_turnover", "{:z.2f}x"),
    ("Commission", "commission", "{:z,.2f}"),
    ("Slippage", "slippage", "{:z,.2f}"),
    ("Costs", "costs", "{:z,.2f}"),
    ("Orders", "orders", "{:,}"),
    ("Orders refused", "orders_refused", "{:,}"),
)
# More of the returns' risk, and how they go with the benchmark's.
RISK = (
    ("Longest drawdown", "longest_drawdown_days", "{:,.0f} days"),
    ("Calmar ratio", "calmar", "{:z.2f}"),
    ("Value at risk", "value_at_risk", "{:z.2%}"),
    ("Expected shortfall", "expected_shortfall", "{:z.2%}"),
    ("Best bar", "best_bar", "{:z.2%}"),
    ("Worst bar", "worst_bar", "{:z.2%}"),
    ("Skew", "skew", "{:z.2f}"),
    ("Kurtosis", "kurtosis", "{:z.2f}"),
    ("Alpha", "alpha", "{:z.2%}"),
    ("Beta", "beta", "{:z.2f}"),
    ("Tracking error", "tracking_error", "{:z.2%}"),
    ("Information ratio", "information_ratio", "{:z.2f}"),
)


def described_text(value: Any) -> str:
    """Return a described signal or parameter in a few words: ``sma_cross(fast=20, slow=50)``, parts within."""
    if isinstance(value, Mapping):
        fields = {name: item for name, item in value.items() if name != "name"}
        inner = ", ".join(f"{name}={described_text(item)}" for name, item in fields.items())
        return f"{plain_name(value['name'])}({inner})" if "name" in value else f"({inner})"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(described_text, value))}]"
    return str(value)


def plain_name(name: str) -> str:
    """Return a plugin's name without its provider."""
    return name.rpartition(":")[2]


def guard_text(manifest: Mapping[str, Any]) -> str:
    """Return what the look-ahead guard did in a run."""
    guard = manifest.get("guard")
    if guard is None:
        return "unknown, from before there was one"
    if guard["mode"] == "off":
        return "off"
    refits = f", {guard['refits']} refit{'s' if guard['refits'] > 1 else ''}" if guard["refits"] else ""
    return f"{guard['result']} ({guard['mode']}: {guard['rows']:,} rows{refits} recomputed)"


def risk_free_text(config: Mapping[str, Any]) -> str:
    """Return the risk-free rate that a run's ratios are above, or nothing if they are above none."""
    rate = risk_free_of(config)
    return f"{rate:z.2%} a year" if rate else ""


def risk_free_of(config: Mapping[str, Any]) -> float:
    """Return the annual risk-free rate of a run, a fraction; that of a run of an older version is zero."""
    return float(config["report"].get("risk_free", 0.0))
