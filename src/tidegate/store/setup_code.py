"""The one-time code by which the first owner proves that this server is theirs.

Made at the start while there is no user, and said in the log; only its hash is kept, in a file under TIDEGATE_HOME that
only the server can read. A new start makes a new code, and the first owner ends it.
"""

import hashlib
import hmac
import logging
import os
import secrets
from pathlib import Path

from django.db import DatabaseError

from tidegate.config import config
from tidegate.store.models import User

logger = logging.getLogger(__name__)

ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Without the letters and digits that are read for one another."""


def announce() -> str | None:
    """Makes a new code and says it in the log, while there is no user. Called once when the web server starts."""
    try:
        if User.objects.exists():
            return None
    except DatabaseError:
        return None  # not migrated yet, or away: the next start says it
    code = make()
    logger.warning(
        "No user exists yet. Open %s/first-run/ and enter the set-up code %s", config.public_url, code
    )
    return code


def make() -> str:
    """A new code; the one before stops working."""
    code = "-".join("".join(secrets.choice(ALPHABET) for _letter in range(4)) for _part in range(3))
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(_digest(code))
    return code


def is_right(code: str) -> bool:
    """Whether this is the code; case, spaces and dashes don't matter."""
    path = _path()
    kept = path.read_text().strip() if path.exists() else ""
    return bool(kept) and hmac.compare_digest(kept, _digest(code))


def forget() -> None:
    _path().unlink(missing_ok=True)


def _digest(code: str) -> str:
    """The code has some 59 random bits and few tries are allowed, so a slow hash would add nothing."""
    plain = "".join(letter for letter in code.upper() if letter in ALPHABET)
    return hashlib.sha256(plain.encode()).hexdigest()


def _path() -> Path:
    return config.home / "secrets" / "setup-code"
