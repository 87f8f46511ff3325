"""Starts `make demo` on free ports, signs in, reads the API, ends it by Ctrl-C and looks that nothing is left.

It needs nothing but Python's own library. Exit code 0 when everything is as it should be; else what was not, and the
demo's last lines.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 180
STOP_SECONDS = 60


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="tg-", dir="/tmp") as folder:
        home = Path(folder)
        first = run_demo(home, "first start")
        second = run_demo(home, "second start")
        check(first["owner_password"] == second["owner_password"], "the second start keeps the password")
        check(first["api_key"] == second["api_key"], "the second start keeps the API key")
    print("The demo works.")
    return 0


def run_demo(home: Path, name: str) -> dict[str, Any]:
    web, sandbox = free_ports(2)
    environment = {
        **os.environ,
        "TIDEGATE_HOME": str(home),
        "TIDEGATE_PORT": str(web),
        "SANDBOX_PORT": str(sandbox),
    }
    (home / "demo.json").unlink(missing_ok=True)
    started = time.monotonic()
    demo = Demo(environment)
    try:
        facts = demo.wait_for(home / "demo.json")
        print(f"{name}: ready after {time.monotonic() - started:.0f} s")
        try:
            visit(facts)
        except urllib.error.HTTPError as error:
            demo.interrupt()  # so that its lines are complete
            check(False, f"{error.url} answers (it was {error.code})")
        demo.interrupt()
        for port in (web, sandbox):
            check(not answers(port), f"port {port} is free again")
        check(not (home / "postgres" / "postmaster.pid").exists(), "the database was ended in good order")
    except BaseException:
        print("The demo's last lines:", *demo.lines[-40:], sep="\n  ")
        raise
    finally:
        demo.kill()
    return facts


class Demo:
    """`make demo` and what it prints."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            ["make", "--no-print-directory", "demo"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(line.rstrip("\n") for line in self.process.stdout)

    def wait_for(self, file: Path) -> dict[str, Any]:
        deadline = time.monotonic() + START_SECONDS
        while not file.exists():
            check(self.process.poll() is None, "the demo goes on running")
            check(time.monotonic() < deadline, f"the demo is ready within {START_SECONDS} s")
            time.sleep(0.2)
        facts: dict[str, Any] = json.loads(file.read_text())
        return facts

    def interrupt(self) -> None:
        """Ctrl-C to the started process."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def visit(facts: dict[str, Any]) -> None:
    web = facts["web_url"]
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    page = text_of(browser.open(f"{web}/login/"))
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    check(token is not None, "the sign-in page has a form")
    form = {
        "csrfmiddlewaretoken": token[1] if token else "",
        "login": facts["owner_email"],
        "password": facts["owner_password"],
    }
    home = browser.open(f"{web}/login/", urllib.parse.urlencode(form).encode())
    check("/login" not in home.url, f"the owner is signed in (was sent to {home.url})")
    page = text_of(home)
    for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        check(browser.open(web + address).status == 200, f"{address} is served")
    request = urllib.request.Request(
        f"{web}/api/v1/prospects?limit=5", headers={"Authorization": f"Bearer {facts['api_key']}"}
    )
    prospects = json.loads(text_of(browser.open(request)))["data"]
    check(len(prospects) == 5, "the API gives the sample prospects")
    request = urllib.request.Request(
        f"{facts['sandbox_url']}/api/v2/persons?limit=5", headers={"x-api-token": facts["sandbox_api_token"]}
    )
    check(len(json.loads(text_of(browser.open(request)))["data"]) == 5, "the sandbox has persons")
    check(json.loads(text_of(browser.open(f"{web}/readyz")))["status"] == "ready", "a worker runs")


def text_of(response: Any) -> str:
    with response:
        return str(response.read(), "utf-8")


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def check(holds: bool, what: str, stop: Callable[[str], None] = sys.exit) -> None:
    if not holds:
        stop(f"Not so: {what}.")


if __name__ == "__main__":
    sys.exit(main())
