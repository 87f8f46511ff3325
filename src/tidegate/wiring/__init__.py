"""The only place that chooses implementations: which adapter, which store, which clock."""
