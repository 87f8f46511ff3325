import os

import pytest
from django.db import transaction

from tests.integration.engine.chaos import Episode

pytestmark = pytest.mark.django_db


def test_scan():
    rr = os.environ["R"]
    ns = [int(x) for x in rr.split(",")] if "-" not in rr else range(*map(int, rr.split("-")))
    for n in ns:
        with transaction.atomic():
            e = Episode(f"1:{n}")
            try:
                e.run(60)
                f = e.violations()
            except Exception as x:
                import traceback

                f = ["EXC " + repr(x)[:300] + traceback.format_exc()[-700:]]
            if f:
                print("SEED", n, *f[:5], *(e.history if os.environ.get("H") else []), sep="\n   ")
            transaction.set_rollback(True)
