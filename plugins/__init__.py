"""The signals that come with quantstrats; they use the same door as anyone's."""
