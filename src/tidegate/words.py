"""Sentences for people, written so that they can be found for translation, and told again from how they read.

The engine speaks English: what it says is passed on, stored and compared as plain text. `say` marks each sentence and sets its
facts in by name. Pages translate a finished sentence by finding which one it is and which facts it holds (`web/said.py`).
So a sentence is written whole, in one literal, and never put together from parts of speech; see CONTRIBUTING, *Adding a language*.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

SAID = frozenset({"about", "cause", "consent", "field", "kind", "reason", "rest", "status", "user", "what"})
"""Facts that are, or may be, words of ours, and are translated in their place. All others are data, whatever they look like."""
TELLING = 8
"""A template with fewer letters of its own fits nearly everything: it must hold a sentence that is known, too."""


def say(sentence: str, /, **facts: object) -> str:
    """The sentence with its facts set in: say("“{name}” has a constant already.", name=field.name)."""
    return sentence.format(**facts) if facts else sentence


class Counted:
    """A sentence that differs where something is counted: Counted("{count} row", "{count} rows")(len(rows)).

    Made where a module is loaded: a catalogue knows a sentence by how it reads of one, so how it reads of many is looked up here.
    """

    known: dict[str, "Counted"] = {}
    """Either of its two texts -> the sentence."""

    def __init__(self, one: str, many: str, /) -> None:
        self.one, self.many = one, many
        self.known[one] = self.known[many] = self

    def __call__(self, count: int, /, **facts: object) -> str:
        return (self.one if count == 1 else self.many).format(count=f"{count:,}", **facts)


@dataclass(frozen=True, slots=True)
class Template:
    """A sentence with places for facts, and the way back from how it reads."""

    text: str
    literals: tuple[str, ...]
    """What stands before, between and after the facts."""
    names: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Template":
        literals, names = [""], []
        for literal, name, _spec, _conversion in Formatter().parse(text):
            literals[-1] += literal
            if name is not None:
                names.append(name)
                literals.append("")
        return cls(text, tuple(literals), tuple(names))

    @property
    def weight(self) -> int:
        """How much it says by itself: of two that fit, the heavier one is meant."""
        return sum(map(len, self.literals))

    @property
    def proof(self) -> str:
        """The fact that must be known where the template itself tells too little; empty where nothing must."""
        letters = sum(letter.isalpha() for literal in self.literals for letter in literal)
        said = [name for name in self.names if name in SAID]
        return said[-1] if said and letters < TELLING else ""

    def facts_in(self, sentence: str) -> Mapping[str, str] | None:
        """The facts by which the sentence was made from this template; None: it was not.

        Each literal is taken where it comes first, which finds a way wherever there is one, in one pass.
        """
        if not self.names:
            return {} if sentence == self.text else None
        first, *between, last = self.literals
        end = len(sentence) - len(last)
        if not sentence.startswith(first) or not sentence.endswith(last) or end < len(first):
            return None
        at, facts = len(first), []
        for literal in between:
            found = sentence.find(literal, at, end)
            if found < 0:
                return None
            facts.append(sentence[at:found])
            at = found + len(literal)
        return dict(zip(self.names, [*facts, sentence[at:end]], strict=True))
