"""`tidegate up`: everything on one machine, as children of this process."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace

from tidegate.cli.ports import require_free_port
from tidegate.cli.supervise import Service, Supervisor
from tidegate.config import config
from tidegate.database import EmbeddedDatabase

TIDEGATE = (sys.executable, "-m", "tidegate")
Port = tuple[str, int, str]
"""Where it listens, and the setting that chooses another."""
PREPARE = Service("prepare", (*TIDEGATE, "prepare"), once=True)
WEB = Service("web", (*TIDEGATE, "web"))
WORKER = Service("worker", (*TIDEGATE, "worker"))


def up(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="tidegate up",
        description="Run Tidegate: the embedded database (unless DATABASE_URL names another), the pages and a worker.",
    )
    parser.add_argument(
        "--workers", type=int, default=1, choices=range(1, 17), metavar="N", help="default: 1"
    )
    options = parser.parse_args(arguments)
    return run(
        [PREPARE],
        [WEB, *_workers(options.workers), Service("tidegate", (*TIDEGATE, "announce"), once=True)],
    )


def _workers(number: int) -> list[Service]:
    if number == 1:
        return [WORKER]
    return [replace(WORKER, name=f"worker {n}") for n in range(1, number + 1)]


def run(steps: Sequence[Service], services: Sequence[Service], ports: Sequence[Port] = ()) -> int:
    """The embedded database, then the steps, then the services; everything ends together."""
    database = EmbeddedDatabase(config.home) if config.embedded else None
    supervisor = Supervisor(foundation=database)
    if database is None or not database.is_owned_by_another():  # then its owner has the ports, too
        for port in ((config.web_bind, config.web_port, "TIDEGATE_PORT"), *ports):
            require_free_port(*port)
    if database is not None:
        database.tell = supervisor.tell
        database.start()
    try:
        return supervisor.run(steps, services)
    finally:
        if database is not None:
            database.stop()
