"""Whatever happens, in the end both sides agree and nothing is doubled or lost (`make chaos` for a longer run)."""

import os

import pytest
from django.db import transaction

from tests.integration.engine.chaos import Episode

pytestmark = pytest.mark.django_db

STEPS = int(os.environ.get("CHAOS_STEPS") or 720)
SEED = os.environ.get("CHAOS_SEED") or "1"
FIRST = int(os.environ.get("CHAOS_FIRST") or 0)
"""The first episode that is played: a run that was stopped goes on there."""
EPISODE = 60
"""Steps of one history: short enough to be read when it fails, long enough to tangle."""


def test_after_chaos_both_sides_agree_and_nothing_is_doubled_or_lost() -> None:
    for number in range(FIRST, -(-STEPS // EPISODE)):
        seed = f"{SEED}:{number}"
        with transaction.atomic():
            episode = Episode(seed)
            episode.run(min(EPISODE, STEPS - number * EPISODE))
            found = episode.violations()
            transaction.set_rollback(True)
        told = "\n  ".join(episode.history)
        assert not found, f"Seed {seed}:\n" + "\n".join(found) + f"\nIts history:\n  {told}"
