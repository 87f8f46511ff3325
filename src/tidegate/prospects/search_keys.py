"""How a prospect is sorted and found: names and words without case and accents, so that “ines” finds “Inês”.

PostgreSQL's word index finds the beginnings of words. Everything that is not a letter or a digit separates words, in what
is stored and in what is asked, so a part of an e-mail address is found like a name.
"""

import re
import unicodedata

from tidegate.prospects.models import Prospect

_WORD = re.compile(r"[^\W_]+")
_LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i"}
)
# PostgreSQL keeps no word beyond 2 KB in its index; nobody searches for the end of one.
_LONGEST_WORD = 100


def fold(text: str) -> str:
    """Without case, accents and surrounding space."""
    spread = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in spread if not unicodedata.combining(char)).translate(_LETTERS).strip()


def words(text: str) -> list[str]:
    return list(dict.fromkeys(word[:_LONGEST_WORD] for word in _WORD.findall(fold(text))))


def fill_keys(prospect: Prospect) -> None:
    """Bring the derived columns of a prospect up to date with the rest of it."""
    name = f"{prospect.first_name} {prospect.last_name}".strip() or prospect.email or prospect.company
    prospect.name_key = fold(name)[:200]
    addresses = [str(entry["value"]) for entry in prospect.emails]
    parts = [prospect.first_name, prospect.last_name, prospect.company, *addresses]
    prospect.search_words = " ".join(words(" ".join(parts)))
