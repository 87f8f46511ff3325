"""How much live sync wrote lately, for the brakes."""

from django.db import connection as database

from tidegate.core.brakes import Tally

_LATELY = """
    SELECT count(DISTINCT person_id) FILTER (WHERE act = 'update'), count(*) FILTER (WHERE act = 'create'),
        coalesce(sum(jsonb_array_length(jsonb_path_query_array(changes,
            '$[*] ? (@.before != null && @.before != "" && @.before.size() > 0 &&
                     (@.after == null || @.after == "" || @.after.size() == 0))'))), 0)
    FROM store_logentry
    WHERE connection_id = %s AND at > now() - make_interval(mins => %s) AND cause = 'live' AND act IN ('create', 'update')
"""


def written_lately(connection_id: str, minutes: int) -> Tally:
    """What a member confirmed does not count: it is logged with a cause of its own."""
    with database.cursor() as cursor:
        cursor.execute(_LATELY, [connection_id, minutes])
        updated, created, emptied = cursor.fetchone()
    return Tally(updated=updated, created=created, emptied=int(emptied))
