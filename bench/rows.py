"""What a part measured, as rows of docs/benchmarks.md."""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Row:
    what: str
    measured: str
    limit: str = ""


def tell(rows: Sequence[Row]) -> None:
    print("| what | limit | measured |\n| --- | --- | --- |")
    for row in rows:
        print(f"| {row.what} | {row.limit} | {row.measured} |")


def machine() -> str:
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}, "
        f"load {os.getloadavg()[0]:.1f} at the end, this benchmark among it"
    )


def percentile(values: Sequence[float], share: int) -> float:
    """The value below which `share` per cent of at least two values lie."""
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]
