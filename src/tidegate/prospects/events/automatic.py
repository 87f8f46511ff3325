"""Which replies no person wrote, by what their headers say. Pure."""

from collections.abc import Mapping

OF_MACHINES = frozenset({"auto_reply", "auto-reply", "bulk", "junk"})
"""Values of `Precedence` that a person's mail program does not set."""


def is_automatic(headers: Mapping[str, str], *, envelope_sender: str | None = None) -> bool:
    """Whether a reply with these headers was sent by a program: out of office, vacation, a ticket system.

    Header names count without case. An empty envelope sender (`<>`) is how programs keep from being answered (RFC 3834);
    None says that it is not known.
    """
    said = {name.strip().lower(): text.strip().lower() for name, text in headers.items()}
    submitted = said.get("auto-submitted", "no").split(";")[0].strip()
    if submitted not in ("", "no"):
        return True
    if "x-autoreply" in said or "x-autorespond" in said:
        return said.get("x-autoreply", said.get("x-autorespond")) != "no"
    if said.get("precedence") in OF_MACHINES:
        return True
    sender = said.get("return-path") if envelope_sender is None else envelope_sender.strip()
    return sender in ("", "<>")
