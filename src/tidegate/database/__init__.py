"""The embedded PostgreSQL: started, ended, upgraded and revived by the process that owns it."""

from tidegate.database.embedded import TEST_SETTINGS, EmbeddedDatabase
from tidegate.database.programs import binaries, end_with_parent, how_it_ended

__all__ = ["TEST_SETTINGS", "EmbeddedDatabase", "binaries", "end_with_parent", "how_it_ended"]
