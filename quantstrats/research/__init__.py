"""What can be concluded from runs: intervals."""
