"""The kinds of cases under Needs attention, in words: what happened and what to do about it.

A kind that isn't listed speaks with the words of its newest case.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tidegate.store.queries import AttentionGroup

KINDS: dict[str, tuple[str | Promise, str | Promise]] = {
    "ambiguous": (
        _("More than one record fits"),
        _(
            "Tidegate can’t tell which one is meant and does not guess. Choose the right one; the answer is remembered."
        ),
    ),
    "duplicate": (
        _("Two records share one e-mail address"),
        _("Merge them, or take the address from one of them, then retry."),
    ),
    "invalid": (
        _("A value doesn’t fit the field it goes to"),
        _(
            "Correct the value in the app it comes from. It is tried again at once when it changes, or with Retry."
        ),
    ),
    "gone": (
        _("The linked record is no longer there"),
        _("It was deleted, merged into another one, or the connected user can’t see it."),
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
}


@dataclass(frozen=True, slots=True)
class GroupWords:
    group: AttentionGroup
    title: str | Promise
    cure: str | Promise


def words_of(group: AttentionGroup) -> GroupWords:
    if group.kind in KINDS:
        return GroupWords(group, *KINDS[group.kind])
    newest = group.cases[0] if group.cases else None
    return GroupWords(group, newest.message if newest else group.kind, newest.cure if newest else "")
