"""Who the embedded PostgreSQL runs as: whoever starts it, but never root, which PostgreSQL refuses."""

import fcntl
import os
import pwd
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tidegate.database.programs import binaries
from tidegate.errors import ConfigurationError

SYSTEM_USER = "pgserver"
EVERYBODY = Path("/etc/passwd")


class Account(NamedTuple):
    uid: int
    gid: int


def server_account(data: Path, home: Path, tell: Callable[[str], None]) -> Account | None:
    """The account to switch to; None where we are not root and nothing is to be switched."""
    if os.geteuid() != 0:
        return None
    owner = data.stat() if data.exists() else None
    if owner is not None and owner.st_uid != 0:  # made by a user before root came: it stays that user's
        account = Account(owner.st_uid, owner.st_gid)
    else:
        account = _system_account()
    for place in (binaries(), home):
        _let_through(place, tell)
    _let_read(binaries().parent)
    return account


def _system_account() -> Account:
    found = _find_system_user() or _make_it_once()
    return Account(found.pw_uid, found.pw_gid)


def _find_system_user() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        return None


def _make_it_once() -> pwd.struct_passwd:
    """Two that start on a new machine at once must not both make it: `useradd` may give each a number of its own."""
    with EVERYBODY.open() as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if _find_system_user() is None:
            _make_system_user()
    return pwd.getpwnam(SYSTEM_USER)


def _make_system_user() -> None:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigurationError(
            f"PostgreSQL can't run as root, and no user could be made for it ({error}). Start Tidegate as another "
            "user, or name your own PostgreSQL: DATABASE_URL=postgresql://tidegate:password@localhost:5432/tidegate"
        ) from error


def _let_through(place: Path, tell: Callable[[str], None]) -> None:
    """Let other users pass through the directories above: to pass, not to look around."""
    for folder in (place, *place.parents):
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o011)
            tell(f"{folder} can now be passed through by PostgreSQL's own user.")


def _let_read(programs: Path) -> None:
    """Let other users run PostgreSQL's programs: they were installed for root alone where root's umask is strict."""
    if (programs / "bin" / "postgres").stat().st_mode & 0o005 == 0o005:
        return
    package = programs.parent
    for tree in (programs, package.with_name(f"{package.name}.libs")):
        for path in (tree, *tree.rglob("*")) if tree.exists() else ():
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | (0o055 if path.is_dir() or mode & 0o100 else 0o044))
