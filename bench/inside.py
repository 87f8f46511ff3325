"""A few lines of Python inside a running demo's own settings, for what has no address: its database, its secrets."""

import subprocess
import sys

from tests.processes.demo import ROOT, Demo, environment_of

START = "import django; django.setup()\n"


def run_inside(demo: Demo, code: str) -> str:
    """What the code prints."""
    environment = {**environment_of(demo.worker_pids()[0]), "DJANGO_SETTINGS_MODULE": "tidegate.settings"}
    done = subprocess.run(
        [sys.executable, "-c", START + code],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return done.stdout.strip()
