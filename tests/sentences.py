"""The sentences the engine says, read from its source: what a catalogue of a language has to hold."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCES = Path(__file__).parents[1] / "src" / "tidegate"
ENGINE = ("words.py", "errors.py", "core", "ports", "services", "adapters", "prospects", "store", "wiring")


@dataclass(frozen=True)
class Said:
    """One call of `say`, or one `Counted`."""

    place: str
    texts: tuple[str, ...]
    facts: frozenset[str] | None
    """The names it is given; of `Counted` those are not known here."""


def files() -> Iterator[Path]:
    for part in ENGINE:
        path = SOURCES / part
        found = [path] if path.is_file() else sorted(path.rglob("*.py"))
        yield from (file for file in found if "migrations" not in file.parts)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def all_said() -> tuple[Said, ...]:
    found = []
    for path in files():
        for node in ast.walk(tree_of(path)):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("say", "Counted")
            ):
                place = f"{path.relative_to(SOURCES)}:{node.lineno}"
                texts = tuple(
                    arg.value
                    for arg in node.args
                    if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
                )
                assert len(texts) == len(node.args), f"{place}: xgettext finds literals only"
                names = frozenset(keyword.arg or "**" for keyword in node.keywords)
                found.append(Said(place, texts, names if node.func.id == "say" else None))
    return tuple(found)


def catalogue() -> Mapping[str, str]:
    """Each text by which a catalogue knows a sentence, with where it is said."""
    return {said.texts[0]: said.place for said in all_said()}
