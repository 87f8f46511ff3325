"""`tidegate web`: the pages and the API on granian, which serves the static files itself."""

import argparse
import multiprocessing
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from django.utils.module_loading import import_string
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from tidegate.cli.databases import running_database
from tidegate.cli.ports import require_free_port
from tidegate.cli.static_files import are_collected
from tidegate.config import config
from tidegate.database import end_with_parent

APPLICATION = "tidegate.wsgi.application"


def serve(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tidegate web", description="Serve the pages and the API.")
    parser.parse_args(arguments)
    require_free_port(config.web_bind, config.web_port, "TIDEGATE_PORT")
    static = config.home / "static"
    static.mkdir(parents=True, exist_ok=True)
    server = Granian(
        ":".join(APPLICATION.rsplit(".", 1)),
        address=config.web_bind,
        port=config.web_port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=config.web_threads,
        static_path_route=["/static"],
        static_path_mount=[static],
        static_path_expires=30 * 24 * 3600,  # their names carry a hash of their content
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
    )
    with running_database():
        _collect_static_files()
        server.serve(target_loader=load_application, wrap_loader=False)  # type: ignore[attr-defined, unused-ignore]
    return 0


def _collect_static_files() -> None:
    """Where `tidegate up` did not: on a machine that serves the pages alone. In a process of its own, as it needs Django."""
    if not are_collected():
        subprocess.run([sys.executable, "-m", "tidegate", "prepare", "--static-only"], check=True)


def load_application() -> Any:
    """What granian's own process serves. It ends with its parent, even when that is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        end_with_parent(signal.SIGKILL, parent.pid)()
    application = import_string(APPLICATION)  # sets Django up; models can be imported only then
    announce_setup_code()
    return application


def announce_setup_code() -> None:
    from tidegate.store import setup_code

    setup_code.announce()
