"""Prospects, lists and custom fields of a workspace."""

from collections.abc import Mapping, Sequence

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.utils import timezone

from tidegate.words import say


class EmailStatus(models.TextChoices):
    UNVERIFIED = "unverified", say("Unverified")
    VALID = "valid", say("Valid")
    UNVERIFIABLE = "unverifiable", say("Unverifiable")
    INVALID = "invalid", say("Invalid")


class Consent(models.TextChoices):
    """Whether campaigns may write to a prospect. It only ever tightens, from the first word to the last."""

    OPEN = "open", say("May be written to")
    BOUNCED = "bounced", say("Bounced")
    UNSUBSCRIBED = "unsubscribed", say("Unsubscribed")


class ProspectList(models.Model):
    """A named set of prospects."""

    workspace_id = models.UUIDField(db_index=True)
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace_id", "name"], name="one_list_per_name")]

    def __str__(self) -> str:
        return self.name


class FieldType(models.TextChoices):
    TEXT = "text", say("Text")
    LONG_TEXT = "long_text", say("Long text")
    NUMBER = "number", say("Number")
    MONEY = "money", say("Money")
    DATE = "date", say("Date")
    TIME = "time", say("Time")
    DATETIME = "datetime", say("Date and time")
    DATE_RANGE = "date_range", say("Date range")
    BOOLEAN = "boolean", say("Yes or no")
    OPTION = "option", say("Single option")
    OPTIONS = "options", say("Multiple options")
    PHONE = "phone", say("Phone")
    EMAIL = "email", say("E-mail")
    ADDRESS = "address", say("Address")
    LINK = "link", say("Link")


class CustomField(models.Model):
    workspace_id = models.UUIDField(db_index=True)
    key = models.SlugField(max_length=60)
    """Made from the first name, never changed: what `custom` is keyed by."""
    name = models.CharField(max_length=100)
    type = models.CharField(max_length=12, choices=FieldType.choices)
    options = models.JSONField(default=list)
    """Labels in order, for single and multiple options."""
    position = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace_id", "key"], name="one_field_per_key")]
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class Prospect(models.Model):
    workspace_id = models.UUIDField()
    first_name = models.CharField(max_length=255, blank=True)
    last_name = models.CharField(max_length=255, blank=True)
    company = models.CharField(max_length=255, blank=True)
    job_title = models.CharField(max_length=255, blank=True)
    emails = models.JSONField(default=list)
    """[{"value", "label"}], the primary one first, as written. `ProspectEmail` has them in normal form."""
    phones = models.JSONField(default=list)
    """[{"value", "label"}], the primary one first, as written."""
    email_status = models.CharField(
        max_length=12, choices=EmailStatus.choices, default=EmailStatus.UNVERIFIED
    )
    consent = models.CharField(max_length=12, choices=Consent.choices, default=Consent.OPEN)
    consent_at = models.DateTimeField(null=True, blank=True)
    """Since when it is tightened."""
    custom = models.JSONField(default=dict)
    """Custom field key -> value in its JSON normal form (text, "12.5", "2026-03-31", true, ["a", "b"], ...). Empty ones are left out."""
    lists = models.ManyToManyField(ProspectList, related_name="prospects", blank=True)
    origin = models.CharField(max_length=20, default="person")
    """How it came in: `page`, `import`, `api`, `sync`."""
    origin_key = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001 (null: made by hand)
    """Who made it by a program gives a key, so that the same request twice makes one prospect."""
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    name_key = models.CharField(max_length=200, default="", db_collation="C", editable=False)
    """The name without case and accents: what the table is sorted by. Kept by `prospects.search_keys`."""
    search_words = models.TextField(default="", editable=False)
    """The words of names, company and addresses, without case and accents: what a search looks in."""

    class Meta:
        indexes = [
            models.Index(fields=["workspace_id", "updated_at", "id"], name="prospects_recent"),
            models.Index(fields=["workspace_id", "id"], name="prospects_in_order"),
            models.Index(fields=["workspace_id", "name_key", "id"], name="prospects_by_name"),
            models.Index(fields=["workspace_id", "email_status"], name="prospects_by_email_status"),
            models.Index(
                fields=["workspace_id", "id"], condition=models.Q(emails=[]), name="prospects_without_email"
            ),
            GinIndex(SearchVector("search_words", config="simple"), name="prospects_words"),
            GinIndex(fields=["custom"], name="prospects_custom", opclasses=["jsonb_path_ops"]),
        ]
        constraints = [
            models.UniqueConstraint(fields=["workspace_id", "origin_key"], name="one_prospect_per_key")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return shown_name(self.pk, self.first_name, self.last_name, self.emails, self.company)

    @property
    def email(self) -> str:
        return str(self.emails[0]["value"]) if self.emails else ""

    @property
    def phone(self) -> str:
        return str(self.phones[0]["value"]) if self.phones else ""


class ProspectEmail(models.Model):
    """An address of a prospect in normal form: for finding, never for showing. Not unique: doubles happen and are shown."""

    workspace_id = models.UUIDField()
    prospect = models.ForeignKey(Prospect, on_delete=models.CASCADE, related_name="addresses")
    address = models.CharField(max_length=320)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["prospect", "address"], name="one_row_per_address")]
        indexes = [models.Index(fields=["workspace_id", "address"], name="prospect_by_address")]

    def __str__(self) -> str:
        return self.address


def shown_name(
    number: int, first_name: str, last_name: str, emails: Sequence[Mapping[str, str]], company: str
) -> str:
    """What a prospect is called: by name, else by its first address, else by its company."""
    address = str(emails[0]["value"]) if emails else ""
    return f"{first_name} {last_name}".strip() or address or company or f"Prospect {number}"
