"""``quantstrats data``: bars fetched, listed, shown, checked and screened."""
