"""What the prospect store announces, inside the transaction of the write itself.

`prospects_changed` carries `workspace_id` (UUID), `ids` (list of int), `action` ("create", "change" or "delete"),
`actor` (who, in words) and `origin` ("page", "import", "api" or "sync"; "sync" marks writes by the engine itself, which
need no answer).
"""

from django.dispatch import Signal

prospects_changed = Signal()
lists_changed = Signal()
"""A list or custom field was made, renamed or deleted: `workspace_id`."""
consents_closed = Signal()
"""Campaigns may not write to these prospects any more, by other means than a campaign event of their own: `workspace_id`,
`ids`, `actor` and `origin`.
"""
campaign_events_known = Signal()
"""It became known to which prospects these campaign events belong: they were stored, or their prospect appeared.

`workspace_id` (UUID), `ids` (list of int, in the order in which they happened), `actor` and `origin`. Every event is
announced once, unless its prospect is deleted and appears anew. Events of unknown types and historical ones are not
announced: nothing is set off by them.
"""
