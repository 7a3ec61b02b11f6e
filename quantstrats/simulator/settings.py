"""What a simulated exchange is told: its accounts, how orders are filled, what the wire looks like."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, kw_only=True)
class AccountSettings:
    """An account that clients may use.

    Parameters
    ----------
    key, secret : str
        What a client signs in with.
    cash : Decimal, optional
        Dollars at the start.
    multiplier : int, optional
        1 for cash only, 2 for Regulation T's margin overnight, 4 within a day.
    shorting : bool, optional
        Whether it may sell short.
    """

    key: str
    secret: str
    cash: Decimal = Decimal(100_000)
    multiplier: int = 2
    shorting: bool = True


@dataclass(frozen=True, kw_only=True)
class FillSettings:
    """How orders are filled.

    Parameters
    ----------
    latency : tuple of float, optional
        Seconds from a request to its effect at the exchange: shortest and longest, drawn uniformly for each.
    spread_bps : float, optional
        From bid to ask in basis points of the price: buys trade at the ask, sells at the bid.
    participation : float, optional
        The largest share of a bar's volume that may be traded: a quarter of it at each of the bar's four prices. Bars
        without volume limit nothing.
    partial_rate : float, optional
        Probability that a fill is split at a place drawn at random, as the broker's paper account does to 10%.
    """

    latency: tuple[float, float] = (0.0, 0.0)
    spread_bps: float = 0.0
    participation: float = 1.0
    partial_rate: float = 0.0


@dataclass(frozen=True, kw_only=True)
class AssetSettings:
    """What may be done with a symbol."""

    tradable: bool = True
    shortable: bool = True
    easy_to_borrow: bool = True
    fractionable: bool = True
    marginable: bool = True
    exchange: str = "NASDAQ"


@dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """What a client may do on the streams.

    Parameters
    ----------
    connections : int, optional
        Streams of orders that an account may have open at once; one more is answered 429.
    data_connections : int, optional
        Streams of market data that an account may have open at once on each feed; one more is answered 406.
    symbols : int or None, optional
        Symbols that a connection may subscribe to, beyond which it is answered 405; None for no limit.
    feeds : tuple of str, optional
        Feeds of market data that are subscribed to; another is answered 409.
    sign_in_s : float, optional
        Real seconds within which a connection must sign in.
    outbox_bytes : int, optional
        What may wait for a client that does not read, beyond which it is cut (407 on market data).
    ping_s : float, optional
        Real seconds between pings. A connection that does not answer one for as long is cut.
    """

    connections: int = 1
    data_connections: int = 1
    symbols: int | None = None
    feeds: tuple[str, ...] = ("iex", "sip")
    sign_in_s: float = 10.0
    outbox_bytes: int = 4 * 2**20
    ping_s: float = 20.0


@dataclass(frozen=True, kw_only=True)
class Action:
    """A corporate action that takes effect before the open of a session.

    Parameters
    ----------
    symbol : str
        Whose.
    on : date
        The session: ex-date.
    ratio : Decimal or None
        Of a split: shares after for each share before (2 for two for one, 0.1 for one for ten).
    dividend : Decimal or None
        Dollars a share in cash, paid to those who hold it before the open.
    """

    symbol: str
    on: date
    ratio: Decimal | None = None
    dividend: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a simulated exchange is told.

    Parameters
    ----------
    seed : int, optional
        Of all ids, latencies and random fills.
    accounts : tuple of AccountSettings, optional
        One at least.
    fills : FillSettings, optional
        How orders are filled.
    assets : dict of str to AssetSettings, optional
        Where a symbol differs from the usual.
    actions : tuple of Action, optional
        Splits and dividends.
    profile : date, optional
        The wire is that of the broker on this day: fields have come and gone (protocol/profiles.py). None for the
        latest that all clients can read: easy_to_borrow is there, and borrow_status too.
    requests_per_minute : int or None, optional
        Beyond which an account is answered 429; None for no limit.
    deduplicates : bool, optional
        Whether the same client_order_id that arrives twice at once is refused the second time.
    activity_delay : float, optional
        Seconds after which a fill appears among the activities.
    streams : StreamSettings, optional
        What clients may do on the streams.
    keep : int, optional
        Final orders, activities and points of the equity's history that are kept in memory for each account; older
        ones are forgotten (the ledger has them).
    """

    seed: int = 0
    accounts: tuple[AccountSettings, ...] = (
        AccountSettings(key="PKSIMULATOR", secret="simulated-secret"),  # noqa: S106 - it opens nothing but this
    )
    fills: FillSettings = FillSettings()
    assets: dict[str, AssetSettings] = field(default_factory=dict)
    actions: tuple[Action, ...] = ()
    profile: date | None = None
    requests_per_minute: int | None = None
    deduplicates: bool = True
    activity_delay: float = 0.0
    streams: StreamSettings = StreamSettings()
    keep: int = 20_000
