"""A running demo as a user starts it: real processes, real ports, nothing inside reached into."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import httpx2

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180
T = TypeVar("T")


@dataclass
class Demo:
    """The demo's processes and the two doors a program has: Tidegate's API and the sandbox."""

    home: Path
    process: "subprocess.Popen[bytes]"
    environment: dict[str, str]
    facts: dict[str, Any]
    more: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tidegate = httpx2.Client(
            base_url=self.facts["web_url"] + "/api/v1",
            headers={"Authorization": f"Bearer {self.facts['api_key']}"},
            timeout=30,
        )
        self.pipedrive = httpx2.Client(
            base_url=self.facts["sandbox_url"],
            headers={"x-api-token": self.facts["sandbox_api_token"]},
            timeout=30,
        )

    # --- Tidegate

    def get(self, path: str, **params: Any) -> Any:
        return _json(self.tidegate.get(path, params=params))

    def post(self, path: str, body: Any = None) -> Any:
        return _json(self.tidegate.post(path, json=body))

    def patch(self, path: str, body: Any) -> Any:
        return _json(self.tidegate.patch(path, json=body))

    def transfer(self, connection_id: str, direction: str = "to_pipedrive") -> str:
        return str(self.post(f"/connections/{connection_id}/transfers", {"direction": direction})["id"])

    def finished(self, transfer_id: str, *, seconds: float = 120) -> dict[str, Any]:
        """The transfer once it is done."""

        def done() -> dict[str, Any] | None:
            transfer: dict[str, Any] = self.get(f"/transfers/{transfer_id}")
            return None if transfer["state"] == "running" else transfer

        return eventually(done, f"transfer {transfer_id} ends", seconds=seconds)

    # --- the sandbox

    def persons(self) -> list[dict[str, Any]]:
        """Every person the sandbox's company has."""
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            params = {"limit": 500} | ({"cursor": cursor} if cursor else {})
            page = _json(self.pipedrive.get("/api/v2/persons", params=params))
            found += page["data"]
            cursor = page["additional_data"]["next_cursor"]
            if not cursor:
                return found

    def addresses(self) -> list[str]:
        return [email["value"].lower() for person in self.persons() for email in person["emails"]]

    def counters(self) -> dict[str, Any]:
        """Requests and tokens so far, asked for without costing any."""
        counted: dict[str, Any] = _json(self.pipedrive.get("/_sandbox/counters"))
        return counted

    def created(self) -> int:
        """How many persons were made through the API so far."""
        told = self.counters()["endpoints"].get("POST /v2/persons", {"statuses": {}})
        return sum(count for status, count in told["statuses"].items() if status.startswith("2"))

    def writes(self) -> int:
        """How many creates and updates the sandbox was asked for."""
        endpoints = self.counters()["endpoints"]
        return sum(
            told["requests"] for name, told in endpoints.items() if name.split()[0] in ("POST", "PATCH")
        )

    def faults(self, **wanted: Any) -> None:
        _json(self.pipedrive.post("/_sandbox/faults", json=wanted))

    # --- processes

    def worker_pids(self) -> list[int]:
        """Workers the supervisor runs now."""
        return [pid for pid in children_of(self.process.pid) if "worker" in command_of(pid)]

    def database_pid(self) -> int | None:
        """PostgreSQL's first process, where it runs."""
        first = ""
        with suppress(OSError):  # it is removed and written anew while another one starts
            first = (self.home / "postgres/postmaster.pid").read_text().split("\n", 1)[0].strip()
        pid = int(first) if first.isdecimal() else 0
        return pid if pid and "postgres" in command_of(pid) else None

    def kill_database(self) -> int:
        """As when the machine runs out of memory: no shutdown, no goodbye. The pid it had."""
        pid = self.database_pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        return pid

    def back_again(self, died: int) -> None:
        """The supervisor has started another one, and the service answers."""

        def answers() -> bool:
            _must_live(self.process, self.home.parent / "demo.log")
            if self.database_pid() in (None, died):
                return False
            with suppress(httpx2.HTTPError):
                return self.tidegate.get("/connections").is_success
            return False

        eventually(answers, "the database is back", seconds=120)

    def start_worker(self) -> "subprocess.Popen[bytes]":
        """One more worker, as on a second machine."""
        log = self.home.parent / f"worker-{len(self.more)}.log"
        with log.open("wb") as output:
            worker = subprocess.Popen(
                [sys.executable, "-m", "tidegate", "worker"],
                env=environment_of(self.worker_pids()[0]),
                cwd=ROOT,
                stdout=output,
                stderr=output,
            )
        self.more.append(worker)
        return worker

    def close(self) -> None:
        self.tidegate.close()
        self.pipedrive.close()
        for worker in self.more:
            with suppress(ProcessLookupError):
                worker.send_signal(signal.SIGCONT)
                worker.kill()
            worker.wait()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(in_calm(40))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def running_demo() -> Iterator[Demo]:
    """`tidegate demo` in a folder of its own and on free ports, ready; ended as by Ctrl-C.

    The folder is none of pytest's: those are shut to other users whenever another test run starts, and root's
    PostgreSQL runs as another user.
    """
    with (
        TemporaryDirectory(prefix="tg-", dir="/tmp", ignore_cleanup_errors=True) as folder,
        _running_demo(Path(folder) / "home") as demo,
    ):
        yield demo


@contextmanager
def _running_demo(home: Path) -> Iterator[Demo]:
    web, sandbox = free_port(), free_port()
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("TIDEGATE_", "DATABASE_URL"))
    }
    environment = {
        **kept,
        "PYTHONPATH": str(ROOT / "src"),
        "TIDEGATE_HOME": str(home),
        "TIDEGATE_PORT": str(web),
        "SANDBOX_PORT": str(sandbox),
    }
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    log = home.parent / "demo.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tidegate", "demo"],
            env=environment,
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
    facts_file = home / "demo.json"
    try:
        eventually(
            lambda: facts_file.exists() or _must_live(process, log),
            "the demo is ready",
            seconds=START_SECONDS,
        )
        demo = Demo(home, process, environment, json.loads(facts_file.read_text()))
    except BaseException:
        process.kill()
        process.wait()
        raise
    try:
        yield demo
    finally:
        demo.close()


def _must_live(process: "subprocess.Popen[bytes]", log: Path) -> bool:
    if process.poll() is not None:
        raise AssertionError(f"The demo ended while starting:\n{log.read_text()[-4000:]}")
    return False


def connect_by_oauth(demo: Demo) -> str:
    """Sign in, press Connect, choose the account, allow, and come back: the new connection's id."""
    with httpx2.Client(base_url=demo.facts["web_url"], follow_redirects=True, timeout=60) as browser:
        sign_in(browser, demo.facts)
        page = browser.get("/integrations/connect/pipedrive/")
        accounts = browser.post(
            "/integrations/connect/", data=_csrf(page), headers={"Referer": str(page.url)}
        )
        company = re.search(r'name="company" value="(\d+)"', accounts.text)
        user = re.search(r'<option value="(\d+:\d+)"', accounts.text)
        assert company and user, accounts.text[:1000]
        chosen = {"company": company[1], "user": user[1].partition(":")[2], "decision": "allow"}
        back = browser.post(str(accounts.url.join("/oauth/authorize")), data=_hidden(accounts.text) | chosen)
        assert back.is_success, back.text[:1000]
    return str(demo.get("/connections")["data"][0]["id"])


def sign_in(browser: httpx2.Client, facts: dict[str, Any]) -> None:
    page = browser.get("/login/")
    form = {"login": facts["owner_email"], "password": facts["owner_password"]}
    answer = browser.post("/login/", data=form | _csrf(page), headers={"Referer": str(page.url)})
    assert answer.is_success and "/login" not in str(answer.url), answer.text[:1000]


def _hidden(html: str) -> dict[str, str]:
    fields = re.findall(r'<input[^>]*type="?hidden"?[^>]*>', html)
    pairs = {}
    for tag in fields:
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name:
            pairs[name[1]] = value[1].replace("&amp;", "&") if value else ""
    return pairs


def _csrf(page: httpx2.Response) -> dict[str, str]:
    return {"csrfmiddlewaretoken": _hidden(page.text)["csrfmiddlewaretoken"]}


def in_calm(seconds: float) -> float:
    """How long this machine takes now for what takes an idle one so long: other work has its share of the processors."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def eventually(look: Callable[[], T | None], what: str, *, seconds: float = 60) -> T:
    """What `look` finds as soon as it finds something; fails when it doesn't in the time an idle machine needs."""
    began = time.monotonic()
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < began + in_calm(seconds), f"Waited {seconds:.0f} s in vain: {what}."
        time.sleep(0.1)


def children_of(pid: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in listed.stdout.split()]


def environment_of(pid: int) -> dict[str, str]:
    """What the supervisor gave a child, the sandbox's OAuth app included."""
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def command_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _json(response: httpx2.Response) -> Any:
    assert response.is_success, (
        f"{response.request.method} {response.url}: {response.status_code} {response.text}"
    )
    return response.json() if response.content else None
