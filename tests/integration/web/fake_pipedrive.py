"""Both sides as the pages see them, and a stand-in for the calls that would reach Pipedrive."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from django.utils import timezone

from tidegate.core.catalogue import Field, Option, PersonFilter, PipedriveCatalogue, Pipeline, Stage
from tidegate.core.catalogue import User as PipedriveUser
from tidegate.core.records import EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME, ORGANIZATION, PHONE
from tidegate.core.settings import default_settings, settings_to_json
from tidegate.core.values import Kind
from tidegate.ports import Account, Tokens
from tidegate.prospects.models import FieldType
from tidegate.prospects.services import Author, create_field
from tidegate.store import catalogues, connections
from tidegate.store.models import Connection, User, Workspace
from tidegate.testing.crm import MemoryCrm
from tidegate.wiring import actions, fields
from tidegate.wiring.news import store_outreach_catalogue
from tidegate.wiring.steps import run


def make_prospect_fields(workspace: Workspace) -> None:
    for name, kind, options in PROSPECT_FIELDS:
        create_field(Author(workspace.pk, "Alice", "page"), name, kind, options)


ADDRESS = "https://northlight.pipedrive.example"
INDUSTRIES = (Option("1", "Software"), Option("2", "Retail"), Option("3", "Energy"))

PROSPECT_FIELDS: tuple[tuple[str, FieldType, list[str]], ...] = (
    ("Industry", FieldType.OPTION, ["Software", "Retail", "Energy"]),
    ("Team size", FieldType.NUMBER, []),
    ("Source", FieldType.TEXT, []),
    ("Website", FieldType.LINK, []),
    ("Met on", FieldType.DATE, []),
)
PIPEDRIVE_FIELDS = (
    Field(FIRST_NAME, "First name", Kind.TEXT),
    Field(LAST_NAME, "Last name", Kind.TEXT),
    Field(EMAIL, "Email", Kind.EMAIL),
    Field(ORGANIZATION, "Organization, name", Kind.TEXT),
    Field(PHONE, "Phone", Kind.PHONE),
    Field(JOB_TITLE, "Job title", Kind.TEXT),
    Field("a" * 40, "Industry", Kind.OPTION, custom=True, options=(*INDUSTRIES[:2], Option("9", "Health"))),
    Field("b" * 40, "Headcount", Kind.NUMBER, custom=True),
    Field("c" * 40, "Lead source", Kind.TEXT, custom=True),
    Field("d" * 40, "Seats", Kind.NUMBER, custom=True),
    Field("e" * 40, "Score, computed", Kind.NUMBER, custom=True, writable=False),
)
USERS = (
    PipedriveUser("11", "Maja Lindqvist", is_me=True),
    PipedriveUser("12", "Tomás Ferreira"),
    PipedriveUser("13", "Jonas Weber", active=False),
)
T = TypeVar("T")
PIPELINES = (
    Pipeline("1", "New business", 1, (
        Stage("11", "Lead in", "1", 1), Stage("12", "Contacted", "1", 2), Stage("13", "Demo booked", "1", 3),
    )),
    Pipeline("2", "Partners", 2, (Stage("21", "First talk", "2", 1), Stage("22", "Contract", "2", 2))),
)  # fmt: skip
FILTERS = (PersonFilter("21", "Marketing allowed"), PersonFilter("22", "My open deals"))


@dataclass
class FakePipedrive:
    """What the pages' way to Pipedrive ends with, without a Pipedrive: patches the calls that would reach it."""

    catalogue: PipedriveCatalogue = field(
        default_factory=lambda: PipedriveCatalogue(PIPEDRIVE_FIELDS, USERS, PIPELINES, filters=FILTERS)
    )
    ends_with: Exception | None = None
    """What the next call raises."""
    company: str = "northlight"

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("finish_oauth", "connect_with_token", "disconnect", "refresh"):
            monkeypatch.setattr(actions, name, getattr(self, name))

        monkeypatch.setattr(fields, "ask_pipedrive", self.ask)

    def ask(self, connection: Connection, use: Callable[[MemoryCrm], Coroutine[Any, Any, T]]) -> T:
        """Makes fields and options in memory; a refresh shows them, too."""
        self._reach()
        crm = MemoryCrm(self.catalogue.fields)
        answer = run(use, crm)
        self.catalogue = replace(self.catalogue, fields=tuple(crm.fields.values()))
        return answer

    def finish_oauth(self, *, user: User, state: str, code: str) -> Connection:
        began = connections.use_state(user, state)
        self._reach()
        return self.connect(began.workspace, began.connection)

    def connect_with_token(
        self,
        *,
        workspace: Workspace,
        company_domain: str,
        api_token: str,
        actor: str,
        connection: Connection | None = None,
    ) -> Connection:
        self._reach()
        self.company = company_domain
        return self.connect(workspace, connection, personal_token=api_token)

    def disconnect(self, connection: Connection, *, actor: str, delete_history: bool = False) -> None:
        self._reach()
        connections.end_connection(connection)
        if delete_history:
            connections.delete_connection(connection)

    def refresh(self, connection: Connection) -> None:
        self._reach()
        self.show(connection)

    def connect(
        self, workspace: Workspace, connection: Connection | None = None, personal_token: str | None = None
    ) -> Connection:
        """As the way back from Pipedrive leaves a connection: paused, with catalogues and default settings."""
        account = Account(
            company_id=f"id of {self.company}",
            company_name=self.company.title(),
            company_domain=self.company,
            user_id="11",
            user_name="Maja Lindqvist",
            user_email="maja@northlight.example",
        )
        tokens = (
            None
            if personal_token
            else Tokens("access", "refresh", timezone.now() + timedelta(hours=1), (), ADDRESS)
        )
        made = connections.save_authorisation(
            workspace, connection, account, tokens=tokens, personal_token=personal_token, api_domain=ADDRESS
        )
        self.show(made)
        if not made.settings:
            settings = default_settings(
                actions.outreach_catalogue(made), actions.pipedrive_catalogue(made), owner_id="11"
            )
            made.settings = settings_to_json(settings)
            made.save(update_fields=["settings"])
        return made

    def show(self, connection: Connection) -> None:
        """Stores what both sides offer, as a refresh does."""
        catalogues.store_catalogues(connection, pipedrive=self.catalogue)
        store_outreach_catalogue(connection)

    def _reach(self) -> None:
        error, self.ends_with = self.ends_with, None
        if error is not None:
            raise error

    def delete_pipeline(self, pipeline_id: str) -> None:
        self.catalogue = replace(
            self.catalogue, pipelines=tuple(p for p in self.catalogue.pipelines if p.id != pipeline_id)
        )

    def delete_stage(self, stage_id: str) -> None:
        kept = tuple(
            replace(p, stages=tuple(stage for stage in p.stages if stage.id != stage_id))
            for p in self.catalogue.pipelines
        )
        self.catalogue = replace(self.catalogue, pipelines=kept)

    def delete_field(self, key: str) -> None:
        """As if somebody had deleted this field in Pipedrive."""
        self.catalogue = replace(
            self.catalogue, fields=tuple(f for f in self.catalogue.fields if f.key != key)
        )
