"""A language made up in memory: each text in brackets, so that whatever was not translated stands outside of them."""

import gettext
import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import translation
from django.utils.translation import trans_real

import tidegate.urls  # noqa: F401 - plurals are known once their modules are loaded, as in every process that shows pages
from tests.sentences import catalogue
from tidegate.web import said as module

CODE = "eo"
"""Django must know a code to speak it."""


class Bracketed(gettext.NullTranslations):
    def __init__(self) -> None:
        super().__init__()
        self._catalog = dict(catalogue())

    def gettext(self, message: str) -> str:
        return f"⟦{message.split(chr(4))[-1]}⟧" if message else ""

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)

    def language(self) -> str:
        return CODE

    def to_language(self) -> str:
        return CODE


@contextmanager
def bracketed() -> Iterator[None]:
    """Within, whoever asks for this language is answered in brackets."""
    loaded = vars(trans_real)["_translations"]
    known = loaded.get(CODE)
    loaded[CODE] = Bracketed()
    _forget()
    try:
        with translation.override(CODE):
            yield
    finally:
        del loaded[CODE]
        if known is not None:
            loaded[CODE] = known
        _forget()


def _forget() -> None:
    for remembered in (module._found, module._one, module._catalogue, module._templates):
        remembered.cache_clear()


def unbracketed(text: str) -> str:
    """What stands outside of all brackets."""
    while (shorter := re.sub(r"⟦[^⟦⟧]*⟧", "", text)) != text:
        text = shorter
    return text


def plain(text: str) -> str:
    return text.replace("⟦", "").replace("⟧", "")
