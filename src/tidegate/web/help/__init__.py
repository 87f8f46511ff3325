"""Help: the guides of `docs/` for people who use Tidegate or run it, as pages of the service."""
