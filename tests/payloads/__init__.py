"""Bodies as the other side sends them, one file an event."""

import json
from pathlib import Path
from typing import Any


def payload(name: str) -> Any:
    """The parsed body of `tests/payloads/NAME.json`."""
    return json.loads(payload_bytes(name))


def payload_bytes(name: str) -> bytes:
    return (Path(__file__).parent / f"{name}.json").read_bytes()
