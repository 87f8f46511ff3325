"""The words and glyphs of triggers and actions: one place for the set-up, the review, the log and the simulation."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tidegate.core.automation import ActionKind, Often, Trigger

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Named:
    """What a trigger or an action is called, with its glyph and a line that explains it."""

    name: Text
    glyph: str
    sub: Text = ""


TRIGGERS: dict[Trigger, Named] = {
    Trigger.EMAIL_SENT: Named(
        _("Campaign e-mail sent"), "mail", _("A campaign sends an e-mail to a prospect.")
    ),
    Trigger.EMAIL_OPENED: Named(_("E-mail opened"), "open", _("A prospect opens a campaign e-mail.")),
    Trigger.LINK_CLICKED: Named(
        _("Link clicked"), "click", _("A prospect clicks a link in a campaign e-mail.")
    ),
    Trigger.EMAIL_REPLIED: Named(_("E-mail replied"), "reply", _("A prospect replies to a campaign e-mail.")),
    Trigger.EMAIL_BOUNCED: Named(
        _("E-mail bounced"), "bounce", _("A campaign e-mail could not be delivered.")
    ),
    Trigger.UNSUBSCRIBED: Named(_("Unsubscribed"), "unsub", _("A prospect asks for no more e-mail.")),
}

ACTIONS: dict[ActionKind, Named] = {
    ActionKind.CREATE_DEAL: Named(
        _("Create a deal"), "deal", _("In the pipeline’s first stage. Its title can use the fields below.")
    ),
    ActionKind.MOVE_DEAL_TO_STAGE: Named(_("Move the deal to a stage"), "stage"),
    ActionKind.MOVE_DEAL_TO_NEXT_STAGE: Named(
        _("Move the deal to the next stage"),
        "next",
        _("Within the deal’s own pipeline. A deal in the last stage stays there."),
    ),
    ActionKind.ADD_ACTIVITY: Named(_("Add an activity"), "task"),
}

OFTEN: dict[Often, Text] = {
    Often.PER_CAMPAIGN: _("Once per prospect and campaign"),
    Often.PER_PROSPECT: _("Once per prospect"),
    Often.EVERY_EMAIL: _("For every e-mail"),
}

HISTORY: dict[Trigger, Text] = {
    Trigger.EMAIL_REPLIED: _("Replied"),
    Trigger.EMAIL_BOUNCED: _("Bounced"),
    Trigger.UNSUBSCRIBED: _("Unsubscribed"),
    Trigger.LINK_CLICKED: _("Clicked"),
    Trigger.EMAIL_OPENED: _("Opened"),
}
"""The statuses of a campaign e-mail that can update its activity; *sent* makes it."""
