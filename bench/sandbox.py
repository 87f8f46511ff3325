"""`make bench-sandbox`: what the Pipedrive sandbox can carry, so that nobody takes its limits for those of what is tried.

A sandbox is started on one core and seeded with a company; how long that took and its highest memory are told. Then
plain calls come over open connections from another core, and are counted.
"""

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONNECTIONS = 8


@dataclass
class Running:
    process: "subprocess.Popen[str]"
    address: str
    token: str
    seeding_seconds: float

    def memory(self) -> int:
        """Highest resident memory so far, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) // 1024

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Load:
    """The same request over and over, a few connections at once, for some seconds."""

    running: Running
    method: str
    path: str
    body: bytes = b""
    times: list[float] = field(default_factory=list)

    def raw(self) -> bytes:
        host = self.running.address.removeprefix("http://")
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {host}", f"x-api-token: {self.running.token}"]
        lines += ["Content-Type: application/json", f"Content-Length: {len(self.body)}", "", ""]
        return "\r\n".join(lines).encode() + self.body

    async def run(self, seconds: float) -> tuple[float, float]:
        """Requests a second, by the clock and by the sandbox's own processor time."""
        cpu, start = self.running.cpu_seconds(), time.perf_counter()
        await asyncio.gather(*(self._connection(start + seconds) for _ in range(CONNECTIONS)))
        took, used = time.perf_counter() - start, self.running.cpu_seconds() - cpu
        return len(self.times) / took, len(self.times) / used

    async def _connection(self, end: float) -> None:
        host, port = self.running.address.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        request = self.raw()
        while time.perf_counter() < end:
            start = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(int(re.findall(rb"(?i)content-length: (\d+)", head)[0]))
            assert head.startswith(b"HTTP/1.1 20"), body
            self.times.append(time.perf_counter() - start)
        writer.close()
        await writer.wait_closed()

    def quantile(self, share: float) -> float:
        return sorted(self.times)[int(share * (len(self.times) - 1))] * 1000


def started(persons: int, state: str, core: int) -> Running:
    command = [
        sys.executable,
        "-m",
        "pipedrive_sandbox",
        "--port",
        "0",
        "--plan",
        "ultimate",
        "--state",
        state,
    ]
    command += ["--persons", str(persons), "--organizations", str(persons // 5), "--fresh"]
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    assert process.stdout is not None
    address = ""
    for line in process.stdout:
        if found := re.search(r"http://\S+?:\d+", line):
            address = address or found[0]
        if found := re.search(r"API token of \S+: (\S+)", line):
            return Running(process, address, found[1], time.perf_counter() - start)
    sys.exit("The sandbox ended before it said where it is.")


def loads(running: Running) -> Iterator[tuple[str, Load]]:
    yield "one person", Load(running, "GET", "/api/v2/persons/77")
    yield (
        "100 persons by id",
        Load(running, "GET", "/api/v2/persons?ids=" + ",".join(map(str, range(1, 101)))),
    )
    yield "a page of 500", Load(running, "GET", "/api/v2/persons?limit=500")
    yield "change a person", Load(running, "PATCH", "/api/v2/persons/77", b'{"name": "Ada Pilot"}')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=8)
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    state = ROOT / "build/bench-sandbox.sqlite"
    state.parent.mkdir(exist_ok=True)
    print(f"{len(cores)} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    running = started(options.persons, str(state), cores[0])
    os.sched_setaffinity(0, {cores[-1]})
    try:
        print(
            f"seeding {options.persons:,} persons: {running.seeding_seconds:.0f} s,"
            f" of them {running.cpu_seconds():.0f} s on the processor, {running.memory()} MiB",
            flush=True,
        )
        request = urllib.request.Request(
            f"{running.address}/_sandbox/limits",
            json.dumps({"burst": False, "daily": False}).encode(),
            {"content-type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=10).close()
        for name, load in loads(running):
            rate, by_cpu = asyncio.run(load.run(options.seconds))
            print(
                f"{name}: {rate:,.0f} requests/s ({by_cpu:,.0f} for a second of its processor time),"
                f" median {load.quantile(0.5):.1f} ms, 99 % within {load.quantile(0.99):.1f} ms",
                flush=True,
            )
        print(f"highest memory: {running.memory()} MiB; state file: {state.stat().st_size / 2**20:,.0f} MiB")
    finally:
        running.process.terminate()
        running.process.wait(60)
        for ending in ("", "-wal", "-shm"):
            Path(f"{state}{ending}").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
