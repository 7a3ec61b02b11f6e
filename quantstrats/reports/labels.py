"""The figures that a reader sees first: label, name in the metrics, and format."""

from __future__ import annotations

# Of the strategy and of its benchmark (as benchmark_<name>).
COMPARED = (
    ("Total return", "total_return", "{:.2%}"),
    ("Annual return", "annual_return", "{:.2%}"),
    ("Annual volatility", "annual_volatility", "{:.2%}"),
    ("Sharpe ratio", "sharpe", "{:.2f}"),
    ("Sortino ratio", "sortino", "{:.2f}"),
    ("Maximum drawdown", "max_drawdown", "{:.2%}"),
)
FINAL_EQUITY = ("Final equity", "final_equity", "{:,.2f}")
# Of the strategy's trading.
TRADING = (
    ("Round trips", "trades", "{:,}"),
    ("Win rate", "win_rate", "{:.1%}"),
    ("Profit factor", "profit_factor", "{:.2f}"),
    ("Average exposure", "exposure", "{:.1%}"),
    ("Annual turnover", "annual_turnover", "{:.2f}x"),
    ("Commission", "commission", "{:,.2f}"),
    ("Orders", "orders", "{:,}"),
    ("Orders refused", "orders_refused", "{:,}"),
)
