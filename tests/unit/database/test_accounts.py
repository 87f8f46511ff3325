"""The account that the embedded PostgreSQL runs as where root starts it."""

import pwd
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from tidegate.database import accounts

AT_ONCE = 4


def test_of_several_that_start_on_a_new_machine_at_once_one_makes_the_account(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made: list[SimpleNamespace] = []
    nobody_has_it = threading.Barrier(AT_ONCE)
    asked = threading.local()

    def find() -> SimpleNamespace | None:
        if not hasattr(asked, "once"):
            asked.once = True
            nobody_has_it.wait(timeout=10)
            return None
        return made[0] if made else None

    def make() -> None:
        made.append(SimpleNamespace(pw_uid=995 + len(made), pw_gid=995))

    everybody = tmp_path / "passwd"
    everybody.touch()
    monkeypatch.setattr(accounts, "EVERYBODY", everybody)
    monkeypatch.setattr(accounts, "_find_system_user", find)
    monkeypatch.setattr(accounts, "_make_system_user", make)
    monkeypatch.setattr(pwd, "getpwnam", lambda name: made[-1])

    with ThreadPoolExecutor(AT_ONCE) as starting:
        found = [starting.submit(accounts._system_account) for _ in range(AT_ONCE)]

    assert {each.result() for each in found} == {accounts.Account(995, 995)}
    assert len(made) == 1
