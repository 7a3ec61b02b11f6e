"""One idea for calm times, another for stressed ones."""

from dataclasses import dataclass

from quantstrats import Signal, hookimpl


@dataclass(frozen=True)
class RegimeSwitch(Signal):
    """What `calm` says while the `regime` is above 0, what `stressed` says while it is below.

    Ang and Bekaert (2002), "International Asset Allocation with Regime Shifts", Review of Financial Studies 15(4);
    Bulla, Mergner, Bulla, Sesboue and Chesneau (2011), "Markov-switching Asset Allocation: Do Profitable Strategies
    Exist?", Journal of Asset Management 12(5), hold the market while it is calm, and cash else.

    Where the regime has no opinion there is none, and where it is exactly 0 nothing is held. All parts are asked on
    every row, so that a part that learns is fitted on calm and stressed rows alike.

    Parameters
    ----------
    regime : Signal
        Above 0 in calm times, below in stressed ones, as hidden_markov_regime, vix_regime and volatility_regime are.
    calm : Signal
        Followed in calm times.
    stressed : Signal, optional
        Followed in stressed times; by default nothing is held. Momentum crashes when markets turn after a panic
        (Daniel and Moskowitz 2016, Journal of Financial Economics 122(2)), and volatility, not the expected return,
        is what a regime tells of reliably.
    """

    name = "regime_switch"
    regime: Signal
    calm: Signal
    stressed: Signal | None = None

    def warmup(self):
        return 1

    def forecast(self, market):
        regime, calm = market.parts["regime"], market.parts["calm"]
        stressed = calm * 0.0 if self.stressed is None else market.parts["stressed"]
        followed = calm.where(regime > 0, stressed.where(regime < 0, 0.0))
        return followed.where(regime.notna())


@hookimpl
def register_signals(register):
    register(RegimeSwitch)
