"""Hold everything, always."""

from dataclasses import dataclass

from quantstrats import Signal, hookimpl


@dataclass(frozen=True)
class BuyAndHold(Signal):
    """Buy every symbol when it is listed and keep it: what any idea has to beat."""

    name = "buy_and_hold"

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close.notna().astype(float)


@hookimpl
def register_signals(register):
    register(BuyAndHold)
