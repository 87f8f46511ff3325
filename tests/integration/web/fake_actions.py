"""Stands in for `tidegate.wiring.actions`: keeps settings and statuses as the real one does, without Pipedrive."""

from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

from django.utils import timezone

from tidegate.core.catalogue import Field, NamedList, Option, OutreachCatalogue, PipedriveCatalogue, Pipeline
from tidegate.core.catalogue import User as PipedriveUser
from tidegate.core.connection import Reason, Status
from tidegate.core.records import COMPANY, EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME, ORGANIZATION, PHONE
from tidegate.core.settings import Problem, Settings, default_settings, problems, settings_to_json
from tidegate.core.values import Kind
from tidegate.errors import Conflict, Invalid
from tidegate.prospects.models import ProspectList
from tidegate.store.models import Connection, Lane

INDUSTRIES = (Option("1", "Software"), Option("2", "Retail"), Option("3", "Energy"))

OUTREACH_FIELDS = (
    Field(FIRST_NAME, "First name", Kind.TEXT),
    Field(LAST_NAME, "Last name", Kind.TEXT),
    Field(EMAIL, "E-mail", Kind.EMAIL),
    Field(COMPANY, "Company name", Kind.TEXT),
    Field(PHONE, "Phone", Kind.PHONE),
    Field(JOB_TITLE, "Position", Kind.TEXT),
    Field("industry", "Industry", Kind.OPTION, custom=True, options=INDUSTRIES),
    Field("team_size", "Team size", Kind.NUMBER, custom=True),
    Field("source", "Source", Kind.TEXT, custom=True),
    Field("website", "Website", Kind.LINK, custom=True),
    Field("met_on", "Met on", Kind.DATE, custom=True),
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


@dataclass
class FakeActions:
    pipedrive: PipedriveCatalogue = field(
        default_factory=lambda: PipedriveCatalogue(PIPEDRIVE_FIELDS, USERS, (Pipeline("1", "Sales", 1),))
    )
    outreach_fields: tuple[Field, ...] = OUTREACH_FIELDS
    ends_with: Exception | None = None
    """What the next call that reaches Pipedrive raises."""
    has_app: bool = True
    refreshed: int = 0
    launched: list[str] = field(default_factory=list)

    def install(self, monkeypatch: Any, module: ModuleType) -> None:
        for name in [
            "connect_url",
            "finish_oauth",
            "connect_with_token",
            "disconnect",
            "refresh",
            "outreach_catalogue",
            "pipedrive_catalogue",
            "problems",
            "save_settings",
            "launch",
            "pause",
            "resume",
        ]:
            monkeypatch.setattr(module, name, getattr(self, name), raising=False)

    def connect_url(self, *, user: Any, workspace: Any, connection: Connection | None = None) -> str:
        self._reach()
        if not self.has_app:
            raise Invalid("No OAuth app is set up.")
        return "https://oauth.pipedrive.com/oauth/authorize?client_id=1&state=once"

    def finish_oauth(self, *, user: Any, state: str, code: str) -> Connection:
        self._reach()
        return self._connection(user.memberships.first().workspace, "northlight")

    def connect_with_token(
        self, *, workspace: Any, company_domain: str, api_token: str, connection: Connection | None = None
    ) -> Connection:
        self._reach()
        if connection is not None:
            connection.status, connection.reason = Status.PAUSED, Reason.NONE
            connection.save()
            return connection
        return self._connection(workspace, company_domain, auth_method="token")

    def finish_connection(self, workspace: Any) -> Connection:
        return self._connection(workspace, "northlight")

    def _connection(self, workspace: Any, domain: str, **more: Any) -> Connection:
        address = f"https://{domain}.pipedrive.example"
        made = Connection(
            workspace=workspace,
            lane=Lane.objects.get_or_create(company_id="9001", api_domain=address)[0],
            api_domain=address,
            company_id="9001",
            company_name="Northlight Studio",
            company_domain=domain,
            pipedrive_user_id="11",
            pipedrive_user_name="Maja Lindqvist",
            **{"auth_method": "oauth", **more},
        )
        settings = default_settings(self.outreach_catalogue(made), self.pipedrive, owner_id="11")
        made.settings = settings_to_json(settings)
        made.save()
        return made

    def disconnect(self, connection: Connection, *, actor: str) -> None:
        self._reach()
        connection.disconnected_at = timezone.now()
        connection.save()

    def refresh(self, connection: Connection) -> None:
        self._reach()
        self.refreshed += 1

    def outreach_catalogue(self, connection: Connection) -> OutreachCatalogue:
        lists = ProspectList.objects.filter(workspace_id=connection.workspace_id).order_by("name")
        return OutreachCatalogue(
            self.outreach_fields, tuple(NamedList(str(row.pk), row.name, 3) for row in lists)
        )

    def pipedrive_catalogue(self, connection: Connection) -> PipedriveCatalogue:
        return self.pipedrive

    def problems(self, connection: Connection) -> list[Problem]:
        return problems(connection.get_settings(), self.outreach_catalogue(connection), self.pipedrive)

    def save_settings(
        self, connection: Connection, settings: Settings, *, version: int | None, actor: str
    ) -> Connection:
        found = problems(settings, self.outreach_catalogue(connection), self.pipedrive)
        structural = {
            p.place: [p.message] for p in found if p.code in ("kind-differs", "field-twice", "system-mapping")
        }
        if structural:
            raise Invalid(errors=structural)
        row = Connection.objects.get(pk=connection.pk)
        if version is not None and row.settings_version != version:
            raise Conflict("Somebody else saved these settings meanwhile.")
        row.settings, row.settings_version = settings_to_json(settings), row.settings_version + 1
        row.save()
        return row

    def launch(self, connection: Connection, *, actor: str) -> list[Problem]:
        self._reach()
        found = self.problems(connection)
        if not found:
            connection.status, connection.reason, connection.launched_at = (
                Status.ACTIVE,
                Reason.NONE,
                timezone.now(),
            )
            connection.save()
            self.launched.append(actor)
        return found

    def pause(self, connection: Connection, *, actor: str) -> None:
        connection.status, connection.reason = Status.PAUSED, Reason.NONE
        connection.save()

    def resume(self, connection: Connection, *, actor: str) -> list[Problem]:
        return self.launch(connection, actor=actor)

    def _reach(self) -> None:
        error, self.ends_with = self.ends_with, None
        if error is not None:
            raise error

    def without_field(self, key: str) -> None:
        """As if somebody had deleted this field in Pipedrive."""
        self.pipedrive = replace(
            self.pipedrive, fields=tuple(f for f in self.pipedrive.fields if f.key != key)
        )
