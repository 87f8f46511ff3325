"""Django's settings under test: a home of its own for every run, cheap passwords, everything else as it is shipped.

The environment is set before `tidegate.config` reads it. DATABASE_URL is honoured; otherwise `tests/conftest.py`
starts an embedded PostgreSQL in this home when the first test asks for a database.
"""

import os
import tempfile
from pathlib import Path

KEPT = "TIDEGATE_OPENAPI_DIR"  # names documents that tests read, and sets nothing of Tidegate's
for name in [
    name for name in os.environ if name.startswith(("TIDEGATE_", "PROCRASTINATE_")) and name != KEPT
]:
    del os.environ[name]

# The path is short because a UNIX socket's path may have no more than 107 characters.
HOME = Path(tempfile.mkdtemp(prefix="tg-", dir="/tmp"))
os.environ["TIDEGATE_HOME"] = str(HOME)
os.environ["TIDEGATE_TESTING"] = "true"

from tidegate.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
