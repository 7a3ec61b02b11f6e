"""An exchange on this machine that speaks Alpaca's protocol, for strategies to rehearse against.

It stands alone: it knows bars and the exchange's calendar, and nothing of strategies, engines or live trading, so that
a client's fault cannot hide in the server.
"""
