"""The same as `test_chaos`, with Pipedrive at the other end of a network (`make chaos` for a longer run)."""

import os
from collections import Counter

import pytest
from django.db import transaction

from tests.integration.engine.chaos_over_http import RemoteEpisode

pytestmark = pytest.mark.django_db

STEPS = int(os.environ.get("CHAOS_STEPS") or 1000) // 10
"""A step over the network takes ten times as long as one in memory."""
SEED = os.environ.get("CHAOS_SEED") or "1"
FIRST = int(os.environ.get("CHAOS_FIRST_HTTP") or 0)
"""The first episode that is played: a run that was stopped goes on there."""
EPISODE = 50


def test_after_chaos_over_a_network_both_sides_agree_and_nothing_is_doubled_or_lost() -> None:
    reached = Counter[str]()
    for number in range(FIRST, -(-STEPS // EPISODE)):
        seed = f"{SEED}:http:{number}"
        with transaction.atomic(), RemoteEpisode(seed) as episode:
            episode.run(min(EPISODE, STEPS - number * EPISODE))
            found = episode.violations()
            transaction.set_rollback(True)
        reached += Counter(struck=episode.remote.struck, delivered=len(episode.remote.deliveries))
        told = "\n  ".join(episode.history)
        assert not found, f"Seed {seed}:\n" + "\n".join(found) + f"\nIts history:\n  {told}"
    if STEPS >= (FIRST + 2) * EPISODE:  # a shorter run may draw no fault
        assert reached["struck"] and reached["delivered"], f"Nothing was tried: {reached}"
