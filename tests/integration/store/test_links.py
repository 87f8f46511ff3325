"""What the database itself holds links to, whatever a program does: the last line of defence against doubles."""

import pytest
from django.db import IntegrityError, transaction

from tests.builders import make_connection, make_link, make_workspace
from tidegate.store.models import Link

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("prospect_id", "person_id"), [("1", "8"), ("2", "7")])
def test_a_record_has_one_link_and_the_database_says_so(prospect_id: str, person_id: str) -> None:
    connection = make_connection(make_workspace())
    make_link(connection, prospect_id="1", person_id="7")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_link(connection, prospect_id=prospect_id, person_id=person_id)
    make_link(make_connection(make_workspace()), prospect_id=prospect_id, person_id=person_id)

    assert Link.objects.filter(connection=connection).count() == 1
