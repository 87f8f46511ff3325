"""The lists as the page offers them: boxes for those that are synced, options for the one that receives people.

Written as HTML here rather than in a template: there may be a thousand lists, each of them twice on the page.
"""

from collections.abc import Collection
from html import escape

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from tidegate.core.catalogue import NamedList, OutreachCatalogue
from tidegate.web.setup.options import options
from tidegate.web.templatetags.tidegate_tags import number


def list_boxes(catalogue: OutreachCatalogue, chosen: Collection[str] | None) -> SafeString:
    """A box for each list. One that is chosen and gone stays visible; `chosen` None: all are chosen."""
    known = _by_name(catalogue)
    ids, wanted = {named.id for named in known}, None if chosen is None else frozenset(chosen)
    shown = known + [_gone(one) for one in chosen or () if one not in ids]
    made = (
        f'<label class="check"><input type="checkbox" name="lists" value="{escape(named.id)}"'
        f"{' checked' if wanted is None or named.id in wanted else ''}>"
        f"<span>{escape(named.name)} <span>{escape(_size(named.size))}</span></span></label>"
        for named in shown
    )
    return mark_safe("".join(made))  # noqa: S308 (escaped above)


def list_options(catalogue: OutreachCatalogue, chosen: str | None, *, makes_new: bool) -> SafeString:
    """An option for each list. `makes_new`: another one is to be made, so none of these is selected."""
    known = _by_name(catalogue)
    first = [] if chosen else [("", _("Choose a list"))]
    if chosen and all(named.id != chosen for named in known):
        known.insert(0, _gone(chosen))
    pairs = [*first, *((named.id, named.name) for named in known)]
    return options(pairs, None if makes_new else chosen)


def _size(size: int | None) -> str:
    return str(size) if size is not None and size < 1_000 else number(size)


def _by_name(catalogue: OutreachCatalogue) -> list[NamedList]:
    return sorted(catalogue.lists, key=lambda named: named.name.casefold())


def _gone(list_id: str) -> NamedList:
    return NamedList(list_id, _("A list that was deleted"))
