"""Sentences of the engine in the reader's language. They are made, stored and passed on in English (`tidegate.words`)."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db.models import TextChoices
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation.trans_real import translation

from tidegate.words import SAID, Counted, Template

REMEMBERED = 4096


def said(sentence: str) -> str:
    """The sentence in the language of the page; as it is where the catalogue does not know it."""
    language = get_language()
    if not sentence or language in (None, settings.LANGUAGE_CODE):
        return sentence
    return _found(language, str(sentence)) or sentence


def said_choices(enumeration: type[TextChoices]) -> Callable[[], list[tuple[str, str]]]:
    """For a form's field, which asks for them whenever it is shown."""
    return lambda: [(str(value), said(str(label))) for value, label in enumeration.choices]


@lru_cache(maxsize=REMEMBERED)
def _found(language: str, sentence: str) -> str | None:
    """Several sentences may follow each other. None: unknown."""
    at = sentence.find(". ")
    while at >= 0:
        head, tail = sentence[: at + 1], sentence[at + 2 :]
        if (first := _one(language, head)) and (rest := _found(language, tail)):
            return f"{first} {rest}"
        at = sentence.find(". ", at + 1)
    return _one(language, sentence)


@lru_cache(maxsize=REMEMBERED)
def _one(language: str, sentence: str) -> str | None:
    if sentence in _catalogue(language):
        return gettext(sentence)
    for template in _templates(language):
        facts = template.facts_in(sentence)
        if facts is None or not _is_number(facts.get("count", "0")):
            continue
        told = {name: _found(language, fact) for name, fact in facts.items() if name in SAID and fact}
        if not template.proof or told.get(template.proof):
            return _told(template.text, {name: told.get(name) or fact for name, fact in facts.items()})
    return None


def _told(text: str, facts: Mapping[str, str]) -> str:
    counted = Counted.known.get(text)
    if counted is None:
        return gettext(text).format(**facts)
    number = facts.get("count", "1" if text == counted.one else "2")
    return ngettext(counted.one, counted.many, int(number.replace(",", ""))).format(**facts)


def _is_number(text: str) -> bool:
    return text.replace(",", "").isdecimal()


@lru_cache(maxsize=8)
def _catalogue(language: str) -> frozenset[str]:
    """What is translated. Django has no other way to ask for it; a plural is there by how it reads of one."""
    keys: set[str] = set()
    part: Any = translation(language)
    while part is not None:
        keys.update(key[0] if isinstance(key, tuple) else key for key in dict(part._catalog.items()))
        part = part._fallback
    return frozenset(keys)


@lru_cache(maxsize=8)
def _templates(language: str) -> list[Template]:
    texts = {key for key in _catalogue(language) if "{" in key}
    plurals = {text for text, counted in Counted.known.items() if counted.one in texts}
    return sorted(
        map(Template.of, texts | plurals),
        key=lambda template: (-template.weight, -len(SAID.intersection(template.names)), template.text),
    )
