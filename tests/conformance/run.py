"""`make conformance`: clients that nobody here wrote make a full round against freshly started sandboxes.

Each client has a sandbox of its own on a free port, and is installed from its locked list first. What can't run here
(no node, no npm) is said and skipped; a round that fails makes the whole fail.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CLIENT_VENV = ROOT / "build/conformance"
CONTROL = {
    "limits": {"burst": False},
    "switches": {"search_delay": 0, "webhook_probe": False},
}
"""Rounds are about shapes: what is written can be found at once, nobody waits for a window to end or
answers at the address of a webhook."""


@contextmanager
def fresh_sandbox() -> Iterator[tuple[str, str]]:
    """Address and API token of a sandbox that lives as long as the round."""
    command = [
        sys.executable,
        "-m",
        "pipedrive_sandbox",
        "--port",
        "0",
        "--persons",
        "450",
        "--plan",
        "ultimate",
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        address, token = _announced(process)
        for name, body in CONTROL.items():
            _control(f"{address}/_sandbox/{name}", body)
        yield address, token
    finally:
        process.terminate()
        process.wait(20)


def _announced(process: "subprocess.Popen[str]") -> tuple[str, str]:
    assert process.stdout is not None
    address = ""
    for line in process.stdout:
        if found := re.search(r"http://\S+?:\d+", line):
            address = address or found[0]
        if found := re.search(r"API token of \S+: (\S+)", line):
            return address, found[1]
    sys.exit("The sandbox ended before it said where it is.")


def _control(url: str, body: object) -> None:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def javascript() -> bool:
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        print(f"SKIPPED: the JavaScript client, for want of {' and '.join(missing)}.")
        return True
    folder = HERE / "js"
    installed = folder / "node_modules/.package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < (folder / "package-lock.json").stat().st_mtime:
        install = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        if subprocess.run(install, cwd=folder, check=False, timeout=300).returncode:
            print("FAILED: npm could not install the JavaScript client.")
            return False
    with fresh_sandbox() as (address, token):
        return (
            subprocess.run(
                ["node", "round.js", address, token], cwd=folder, check=False, timeout=120
            ).returncode
            == 0
        )


def python() -> bool:
    listed = HERE / "requirements.txt"
    stamp = CLIENT_VENV / ".installed"
    interpreter = str(CLIENT_VENV / "bin/python")
    if not stamp.exists() or stamp.stat().st_mtime < listed.stat().st_mtime:
        venv.create(CLIENT_VENV, with_pip=True, clear=True)
        install = [
            interpreter,
            "-m",
            "pip",
            "install",
            "-qq",
            "--disable-pip-version-check",
            "--require-hashes",
            "-r",
            str(listed),
        ]
        if subprocess.run(install, check=False, timeout=300).returncode:
            print("FAILED: pip could not install the Python client.")
            return False
        stamp.touch()
    with fresh_sandbox() as (address, token):
        command = [interpreter, "round.py", address, token]
        return subprocess.run(command, cwd=HERE, check=False, timeout=120).returncode == 0


def main() -> int:
    results = [javascript(), python()]
    print("Conformance: all rounds passed." if all(results) else "Conformance: a round failed.")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
