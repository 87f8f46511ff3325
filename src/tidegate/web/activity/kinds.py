"""The kinds of cases under Needs attention, in words: what happened and what to do about it.

A kind that isn't listed speaks with the words of its newest case.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tidegate.core.cases import AUTOMATION, CONSENT, HISTORY
from tidegate.store.queries import AttentionGroup

KINDS: dict[str, tuple[str | Promise, str | Promise]] = {
    "ambiguous": (
        _("More than one record fits"),
        _(
            "Tidegate can’t tell which one is meant and does not guess. Choose the right one; the answer is remembered."
        ),
    ),
    "invalid": (
        _("A value doesn’t fit the field it goes to"),
        _(
            "The value stays where it is until it fits. It is tried again at once when it changes, or with Retry."
        ),
    ),
    "refused": (
        _("The other app refused the record"),
        _("It did not say which field is at fault, so nothing of that change was written."),
    ),
    "gone": (
        _("The linked record is no longer there"),
        _("It was deleted, merged into another one, or the connected user can’t see it."),
    ),
    "forbidden": (
        _("The connected user may not change the record"),
        _("Pipedrive shows it to that user, and lets only others change it."),
    ),
    "full": (
        _("The Pipedrive plan has no more room"),
        _("What exists already stays in step."),
    ),
    "merged": (
        _("Two linked persons were merged into one in Pipedrive"),
        _(
            "The person stays in step with the prospect it was linked to. Choose the other one if that one should lead; both "
            "stay where they are."
        ),
    ),
    "hidden": (
        _("The connected user can’t see the linked person"),
        _(
            "It was hidden from that user in Pipedrive, or deleted without a word. Nothing is deleted or made anew. Make it "
            "visible to the user, then retry."
        ),
    ),
    "mapping": (
        _("The settings name something that is no longer there"),
        _("Choose again in the settings. Until then that part sleeps and everything else goes on."),
    ),
    "oscillating": (
        _("The two apps keep changing each other’s value"),
        _(
            "Each app rewrites the value in its own way, so Tidegate stopped writing it. Switch off what rewrites it, or type "
            "the same in both apps, then retry."
        ),
    ),
    AUTOMATION: (
        _("Pipedrive refused an action of an automation"),
        _("The other actions went on. Mend the cause, then retry: nothing that was done is done again."),
    ),
    HISTORY: (
        _("A campaign e-mail could not be added to the person’s activities"),
        _("Mend the cause, then retry: the e-mail is written as it stands by then, and never twice."),
    ),
    CONSENT: (
        _("A person could not be unsubscribed in Pipedrive"),
        _(
            "The prospect is closed here all the same. What Pipedrive says tells whether to retry or to do it there by hand."
        ),
    ),
}


PLACES: dict[str, tuple[str, str | Promise]] = {
    "mapping": ("settings", _("Open the settings")),
    "oscillating": ("settings", _("Open the settings")),
    "hidden": ("integrations", _("Connect as another user")),
    "forbidden": ("integrations", _("Connect as another user")),
    AUTOMATION: ("settings", _("Open the settings")),
}
"""Where a kind is mended, apart from the record itself: name of the page, and what the link says."""


@dataclass(frozen=True, slots=True)
class GroupWords:
    group: AttentionGroup
    title: str | Promise
    cure: str | Promise
    place: str = ""
    place_name: str | Promise = ""


def words_of(group: AttentionGroup) -> GroupWords:
    if group.kind in KINDS:
        return GroupWords(group, *KINDS[group.kind], *PLACES.get(group.kind, ()))
    newest = group.cases[0] if group.cases else None
    return GroupWords(group, newest.message if newest else group.kind, newest.cure if newest else "")
