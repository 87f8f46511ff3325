"""From one major version of PostgreSQL to the next: an older data directory is upgraded in place, the old one kept.

At every moment one of the two directories is whole: an interrupted upgrade starts anew or is completed.
"""

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tidegate.database.programs import binaries, bundled_versions
from tidegate.errors import ConfigurationError

if TYPE_CHECKING:
    from tidegate.database.embedded import EmbeddedDatabase


def bring_up_to_date(database: "EmbeddedDatabase") -> None:
    """Make the data directory one of the newest version we bring, or say why that can't be."""
    upgraded = database.home / "postgres.upgraded"
    if upgraded.exists() and not database.data.exists():
        upgraded.rename(database.data)
    version = version_of(database.data)
    newest = max(bundled_versions())
    if version is None or version == newest:
        return
    if version > newest:
        raise ConfigurationError(
            f"{database.data} was written by PostgreSQL {version}, newer than the {newest} that this Tidegate brings. "
            "Start it with the newer Tidegate, and move the data by: tidegate backup FILE, tidegate restore FILE"
        )
    if version not in bundled_versions():
        raise ConfigurationError(
            f"{database.data} was written by PostgreSQL {version}, which this Tidegate can't upgrade. With the Tidegate "
            f"that made it: tidegate backup FILE. Then here: mv {database.data} {database.data}.{version} and "
            "tidegate restore FILE"
        )
    _upgrade(database, version, newest)


def version_of(data: Path) -> int | None:
    """The major version that wrote this data directory; None when there is none."""
    file = data / "PG_VERSION"
    return int(file.read_text().split(".")[0]) if file.exists() else None


def _upgrade(database: "EmbeddedDatabase", old: int, new: int) -> None:
    database.tell(f"Upgrading the database from PostgreSQL {old} to {new}.")
    database.run_once(old)  # pg_upgrade takes only what was ended in good order
    draft, upgraded, kept = (
        database.home / name for name in ("postgres.upgrading", "postgres.upgraded", f"postgres.{old}")
    )
    shutil.rmtree(upgraded, ignore_errors=True)
    database.initialize(draft, "--data-checksums" if _has_checksums(database, old) else "--no-data-checksums")
    with tempfile.TemporaryDirectory(prefix="tidegate-") as folder:
        database.give(Path(folder))
        database.run_tool(
            "pg_upgrade", f"--old-bindir={binaries(old)}", f"--new-bindir={binaries(new)}",
            f"--old-datadir={database.data}", f"--new-datadir={draft}", f"--socketdir={folder}", "--username=postgres",
            cwd=folder,
        )  # fmt: skip
    draft.rename(upgraded)
    database.data.rename(kept)
    upgraded.rename(database.data)
    database.tell(f"Done. The old data stays in {kept} until you remove it.")


def _has_checksums(database: "EmbeddedDatabase", version: int) -> bool:
    said = database.run_tool("pg_controldata", f"--pgdata={database.data}", version=version)
    found = re.search(r"Data page checksum version:\s*(\d+)", said)
    return found is not None and found[1] != "0"
