"""Which prospect is which person, what both last agreed on, and our own mirror of a company's persons and organizations.

The mirror answers "who has this address" and "what did that person last show" for no tokens. It is kept by walks,
catch-ups and what our own writes return; it is a memory, never the truth: before a write the person is looked at.
"""

from django.db import models

from tidegate.store.models.connections import Connection
from tidegate.store.models.lanes import Lane


class Link(models.Model):
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="links")
    prospect_id = models.CharField(max_length=64)
    person_id = models.CharField(max_length=64)
    base = models.BinaryField(default=b"{}")
    """Mapping key -> [outreach value, Pipedrive value] when both last agreed, as JSON bytes (`store.links`)."""
    state = models.CharField(max_length=20, default="linked")
    """`linked`, `prospect_gone`, `person_gone`, `person_unseen`, or `chosen`: by a person, and not met yet."""
    written_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    seen_round = models.PositiveIntegerField(default=0)
    """The round of the rolling check that met the person last."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "prospect_id"], name="one_link_per_prospect"),
            models.UniqueConstraint(fields=["connection", "person_id"], name="one_link_per_person"),
        ]

    def __str__(self) -> str:
        return f"prospect {self.prospect_id} = person {self.person_id}"


class KeptApart(models.Model):
    """A member said that these two are not the same, whatever addresses they share."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="kept_apart")
    prospect_id = models.CharField(max_length=64)
    person_id = models.CharField(max_length=64)
    said_at = models.DateTimeField(auto_now_add=True)
    said_by = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "prospect_id", "person_id"], name="one_answer_per_pair"
            )
        ]

    def __str__(self) -> str:
        return f"prospect {self.prospect_id} is not person {self.person_id}"


class PersonAlias(models.Model):
    """The id of a person that was merged away, and of the one that lives on. Kept for ever."""

    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="aliases")
    person_id = models.CharField(max_length=64)
    survivor_id = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lane", "person_id"], name="one_survivor_per_person")]

    def __str__(self) -> str:
        return f"person {self.person_id} lives on as {self.survivor_id}"


class MirrorPerson(models.Model):
    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="persons")
    person_id = models.BigIntegerField()
    name = models.CharField(max_length=300, blank=True)
    organization_id = models.BigIntegerField(null=True, blank=True)
    record = models.BinaryField()
    """The person as a core Record, as JSON bytes (`store.mirror`)."""
    updated_at = models.DateTimeField(null=True, blank=True)
    walk = models.BigIntegerField(default=0)
    """The number of the walk that saw it last: what a whole walk did not see is suspected to be gone."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lane", "person_id"], name="one_mirror_person")]
        indexes = [models.Index(fields=["lane", "organization_id"], name="mirror_by_organization")]

    def __str__(self) -> str:
        return f"person {self.person_id}"


class MirrorAddress(models.Model):
    """An e-mail address in normal form of a mirrored person."""

    lane = models.ForeignKey(Lane, on_delete=models.CASCADE)
    address = models.CharField(max_length=320)
    person_id = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lane", "address", "person_id"], name="one_mirror_address")
        ]
        indexes = [models.Index(fields=["lane", "person_id"], name="addresses_by_person")]

    def __str__(self) -> str:
        return f"{self.address} of person {self.person_id}"


class MirrorOrganization(models.Model):
    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="organizations")
    organization_id = models.BigIntegerField()
    name = models.CharField(max_length=300)
    name_key = models.CharField(max_length=300)
    """The name without case and extra space: what two spellings of one name share."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lane", "organization_id"], name="one_mirror_organization")
        ]
        indexes = [models.Index(fields=["lane", "name_key"], name="organizations_by_name")]

    def __str__(self) -> str:
        return self.name
