"""Learners: the walk forward, how far back forecasts look, and the cache of fits."""
