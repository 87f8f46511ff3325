"""`make bench`: measures the real processes from outside and prints rows for docs/benchmarks.md. Nothing here asserts.

`make bench PART=latency` (or `python -m bench latency backlog`) measures these parts alone. A part is a module of this package
with `measure() -> list[Row]`; to add one, write the module and name it in PARTS.
"""

import argparse
import importlib
from collections.abc import Sequence

from bench.rows import Row, machine, tell

PARTS = (
    "transfer",
    "latency",
    "tokens",
    "idle",
    "intake",
    "backlog",
    "pacing",
    "pages",
    "bulk",
    "events",
    "campaigns",
    "million",
)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the real processes.")
    parser.add_argument(
        "parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; all where none is named"
    )
    chosen = parser.parse_args(arguments).parts or list(PARTS)
    unknown = [part for part in chosen if part not in PARTS]
    if unknown:
        parser.error(f"There is no part {unknown[0]!r}. Parts: {', '.join(PARTS)}.")
    rows: list[Row] = []
    for part in chosen:
        rows += importlib.import_module(f"bench.{part}").measure()
    print(machine() + "\n")
    tell(rows)


if __name__ == "__main__":
    main()
