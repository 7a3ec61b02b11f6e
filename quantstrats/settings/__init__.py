"""Settings: typed blocks from a YAML file, --set and flags."""
