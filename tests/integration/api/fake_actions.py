"""The actions as the API sees them: they note each call and do the least that an answer needs, or raise what they are told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from tidegate.core import settings as core_settings
from tidegate.core.catalogue import Field, NamedList, Option, OutreachCatalogue, PipedriveCatalogue, User
from tidegate.core.problem import Problem
from tidegate.core.records import Side
from tidegate.core.settings import Direction, Settings, settings_to_json
from tidegate.core.transfer import USUAL, Include
from tidegate.core.values import Kind
from tidegate.errors import Conflict
from tidegate.store.models import Attention, Connection, Transfer, Workspace

OUTREACH = OutreachCatalogue(
    fields=(
        Field("first_name", "First name", Kind.TEXT),
        Field("last_name", "Last name", Kind.TEXT),
        Field("email", "E-mail", Kind.EMAIL),
        Field("company", "Company", Kind.TEXT),
        Field("colour", "Colour", Kind.OPTION, custom=True, options=(Option("1", "Red"),)),
        Field("age", "Age", Kind.NUMBER, custom=True),
    ),
    lists=(NamedList("5", "Leads", 3),),
)
PIPEDRIVE = PipedriveCatalogue(
    fields=(
        Field("first_name", "First name", Kind.TEXT),
        Field("last_name", "Last name", Kind.TEXT),
        Field("email", "E-mail", Kind.EMAIL),
        Field("organization", "Organization", Kind.TEXT),
        Field("years", "Years", Kind.NUMBER, custom=True),
    ),
    users=(User("1", "Alice", "alice@harbour.example", is_me=True),),
)


@dataclass
class FakeActions:
    make_connection: Callable[..., Connection]
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    raises: BaseException | None = None
    before_each: Callable[[], object] = lambda: None
    found: list[Problem] = field(default_factory=list)

    def _note(self, name: str, **given: Any) -> None:
        self.calls.append((name, given))
        self.before_each()
        if self.raises is not None:
            raise self.raises

    def connect_with_token(
        self,
        *,
        workspace: Workspace,
        company_domain: str,
        api_token: str,
        actor: str,
        connection: Connection | None = None,
    ) -> Connection:
        self._note("connect_with_token", company_domain=company_domain, api_token=api_token, actor=actor)
        return self.make_connection(workspace, company_domain=company_domain)

    def disconnect(self, connection: Connection, *, actor: str, delete_history: bool = False) -> None:
        self._note("disconnect", actor=actor, delete_history=delete_history)
        Connection.objects.filter(pk=connection.pk).update(disconnected_at=timezone.now())

    def refresh(self, connection: Connection) -> None:
        self._note("refresh")

    def outreach_catalogue(self, connection: Connection) -> OutreachCatalogue:
        return OUTREACH

    def pipedrive_catalogue(self, connection: Connection) -> PipedriveCatalogue:
        return PIPEDRIVE

    def problems(self, connection: Connection) -> list[Problem]:
        self._note("problems")
        return core_settings.problems(connection.get_settings(), OUTREACH, PIPEDRIVE)

    def save_settings(
        self, connection: Connection, settings: Settings, *, version: int | None, actor: str
    ) -> Connection:
        self._note("save_settings", settings=settings, version=version, actor=actor)
        if version is not None and version != connection.settings_version:
            raise Conflict("Somebody else saved these settings meanwhile.")
        connection.settings = settings_to_json(settings)
        connection.settings_version += 1
        connection.save()
        return connection

    def launch(self, connection: Connection, *, actor: str) -> list[Problem]:
        return self._start("launch", connection, actor)

    def pause(self, connection: Connection, *, actor: str) -> None:
        self._note("pause", actor=actor)
        Connection.objects.filter(pk=connection.pk).update(status="paused", reason="")

    def resume(self, connection: Connection, *, actor: str, apply_waiting: bool = True) -> list[Problem]:
        return self._start("resume", connection, actor, apply_waiting=apply_waiting)

    def _start(self, name: str, connection: Connection, actor: str, **more: bool) -> list[Problem]:
        self._note(name, actor=actor, **more)
        if not self.found:
            Connection.objects.filter(pk=connection.pk).update(status="active", reason="")
        return self.found

    def start_transfer(
        self,
        connection: Connection,
        *,
        direction: Direction,
        source_app: Side | None,
        actor: str,
        records: Sequence[str] | None = None,
        include: Include = USUAL,
    ) -> Transfer:
        made = Transfer.objects.create(
            connection=connection,
            direction=direction.value,
            source_app=(source_app or Side.OUTREACH).value,
            created_by=actor,
            past_emails=include.past_emails,
            constants=include.constants,
        )
        self._note("start_transfer", direction=direction, source_app=source_app, actor=actor, include=include)
        return made

    def pause_transfer(self, transfer: Transfer, *, actor: str) -> None:
        self._move("pause_transfer", transfer, "paused", actor)

    def continue_transfer(self, transfer: Transfer, *, actor: str) -> None:
        self._move("continue_transfer", transfer, "running", actor)

    def cancel_transfer(self, transfer: Transfer, *, actor: str) -> None:
        self._move("cancel_transfer", transfer, "cancelled", actor)

    def _move(self, name: str, transfer: Transfer, state: str, actor: str) -> None:
        self._note(name, actor=actor)
        Transfer.objects.filter(pk=transfer.pk).update(state=state)

    def retry_attention(self, attention: Attention, *, actor: str) -> None:
        self._note("retry_attention", actor=actor)

    def settle_attention(
        self,
        attention: Attention,
        *,
        actor: str,
        person_id: str | None = None,
        prospect_id: str | None = None,
        none_of_them: bool = False,
    ) -> None:
        answer = {"person_id": person_id, "prospect_id": prospect_id, "none_of_them": none_of_them}
        self._note("settle_attention", actor=actor, **answer)
        Attention.objects.filter(pk=attention.pk).update(settled_at=timezone.now(), settled_by=actor)
