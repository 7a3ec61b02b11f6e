"""An account and its configuration as JSON."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from quantstrats.simulator.decimals import number
from quantstrats.simulator.times import day_in_new_york, rfc3339

if TYPE_CHECKING:
    from quantstrats.simulator.account import Account
    from quantstrats.simulator.protocol.profiles import Profile


def account_json(account: Account, profile: Profile, now: int) -> dict[str, Any]:
    """Return an account as the broker sends it: dollars as texts.

    Parameters
    ----------
    account : Account
        As it is now.
    profile : Profile
        Which fields there are.
    now : int
        Nanoseconds since 1970 (UTC).
    """
    content: dict[str, Any] = {
        "id": account.id,
        "admin_configurations": {},
        "user_configurations": None,
        "account_number": f"PA{int(account.id[:8], 16):010d}",
        "status": "ACTIVE",
        "crypto_status": "INACTIVE",
        "options_approved_level": 0,
        "options_trading_level": 0,
        "currency": "USD",
        "buying_power": number(account.buying_power),
        "regt_buying_power": number(account.regt_buying_power),
        "effective_buying_power": number(account.buying_power),
        "non_marginable_buying_power": number(account.non_marginable_buying_power),
        "options_buying_power": "0",
        "cash": number(account.cash),
        "accrued_fees": "0",
        "portfolio_value": number(account.equity),
        "trading_blocked": account.trading_blocked,
        "transfers_blocked": False,
        "account_blocked": False,
        "created_at": rfc3339(account.created_at),
        "trade_suspended_by_user": account.trade_suspended_by_user,
        "multiplier": str(account.multiplier),
        "shorting_enabled": account.shorting_enabled,
        "equity": number(account.equity),
        "last_equity": number(account.last_equity),
        "long_market_value": number(account.long_market_value),
        "short_market_value": number(account.short_market_value),
        "position_market_value": number(account.long_market_value + account.short_market_value),
        "initial_margin": number(account.initial_margin),
        "maintenance_margin": number(account.maintenance_margin),
        "last_maintenance_margin": number(account.last_maintenance_margin),
        "sma": "0",
        "balance_asof": day_in_new_york(now).isoformat(),
        "crypto_tier": 0,
        "intraday_adjustments": "0",
        "pending_reg_taf_fees": "0",
    }
    if profile.pattern_day_trader:
        content |= {
            "pattern_day_trader": False,
            "daytrade_count": 0,
            "daytrading_buying_power": number(account.buying_power if account.multiplier == 4 else Decimal(0)),
            "bod_dtbp": "0",
        }
    return content


def configuration_json(account: Account, profile: Profile) -> dict[str, Any]:
    """Return an account's configuration as the broker sends it."""
    content: dict[str, Any] = {
        "fractional_trading": True,
        "max_margin_multiplier": str(account.multiplier),
        "max_options_trading_level": None,
        "no_shorting": account.no_shorting,
        "ptp_no_exception_entry": False,
        "suspend_trade": account.trade_suspended_by_user,
        "trade_confirm_email": "none",
    }
    if profile.pattern_day_trader:
        content |= {"dtbp_check": "entry", "pdt_check": "entry"}
    return content
