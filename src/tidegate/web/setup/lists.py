"""The lists as the page offers them: boxes for those that are synced, options for the one that receives people.

Written as HTML here rather than in a template: there may be a thousand lists, each of them twice on the page.
"""

from collections.abc import Collection

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from tidegate.core.catalogue import NamedList, OutreachCatalogue
from tidegate.web.templatetags.tidegate_tags import number

_BOX = '<label class="check"><input type="checkbox" name="lists" value="{}"{}><span>{}<span>{}</span></span></label>'
_CHECKED, _SELECTED, _PLAIN = mark_safe(" checked"), mark_safe(" selected"), mark_safe("")


def list_boxes(catalogue: OutreachCatalogue, chosen: Collection[str] | None) -> SafeString:
    """A box for each list. One that is chosen and gone stays visible; `chosen` None: all are chosen."""
    known = _by_name(catalogue)
    ids, wanted = {named.id for named in known}, None if chosen is None else frozenset(chosen)
    shown = known + [_gone(one) for one in chosen or () if one not in ids]
    return format_html_join(
        "",
        _BOX,
        (
            (
                named.id,
                _CHECKED if wanted is None or named.id in wanted else _PLAIN,
                f"{named.name} ",
                number(named.size),
            )
            for named in shown
        ),
    )


def list_options(catalogue: OutreachCatalogue, chosen: str | None, *, makes_new: bool) -> SafeString:
    """An option for each list. `makes_new`: another one is to be made, so none of these is selected."""
    known = _by_name(catalogue)
    first = _PLAIN if chosen else format_html('<option value="">{}</option>', _("Choose a list"))
    if chosen and all(named.id != chosen for named in known):
        known.insert(0, _gone(chosen))
    selected = None if makes_new else chosen
    options = ((named.id, _SELECTED if named.id == selected else _PLAIN, named.name) for named in known)
    return first + format_html_join("", '<option value="{}"{}>{}</option>', options)


def _by_name(catalogue: OutreachCatalogue) -> list[NamedList]:
    return sorted(catalogue.lists, key=lambda named: named.name.casefold())


def _gone(list_id: str) -> NamedList:
    return NamedList(list_id, _("A list that was deleted"))
