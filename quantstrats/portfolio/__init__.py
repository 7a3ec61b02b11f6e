"""From opinions to weights, and what trading them costs."""
