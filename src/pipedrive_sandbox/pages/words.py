"""How the pages word moments, days and money."""

from datetime import date

UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def ago(seconds: float) -> str:
    """`12 s ago`, `2 min ago`; in the largest unit that has at least one."""
    size, unit = next(((size, unit) for size, unit in UNITS if seconds >= size), UNITS[-1])
    return f"{max(0, int(seconds // size))} {unit} ago"


def day(text: str | None, today: str) -> str:
    """`2026-05-12` as `Today` or `12 May`, with the year where it is another one."""
    if not text:
        return ""
    if text == today:
        return "Today"
    then = date.fromisoformat(text)
    return f"{then.day} {then:%b}" + ("" if text[:4] == today[:4] else f" {then.year}")


def moment(text: str) -> str:
    """`2026-05-12T09:30:00Z` as `2026-05-12 09:30:00`."""
    return f"{text[:10]} {text[11:19]}"


def money(value: float, currency: str) -> str:
    """`1,800 EUR`; cents only where there are some."""
    return f"{value:,.0f} {currency}" if value == int(value) else f"{value:,.2f} {currency}"


def plural(count: int, noun: str, several: str = "") -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {several or noun + 's'}"
