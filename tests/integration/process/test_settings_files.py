"""`tidegate settings`: a file is written, compared and applied, and what it can't mean here is refused."""

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.builders import make_connection, make_workspace
from tidegate.core.automation import WORTH_AN_UPDATE, Action, ActionKind, Automation, Often, Trigger
from tidegate.core.catalogue import (
    Field,
    NamedList,
    OutreachCatalogue,
    PersonFilter,
    PipedriveCatalogue,
    Pipeline,
    Stage,
    User,
)
from tidegate.core.records import Side
from tidegate.core.settings import (
    SYSTEM_MAPPINGS,
    Constant,
    Direction,
    FieldMapping,
    Settings,
    settings_to_json,
)
from tidegate.core.settings_file import Place, differences, read_file, settings_of, write_settings
from tidegate.core.values import Kind
from tidegate.errors import Invalid
from tidegate.store.catalogues import store_catalogues
from tidegate.store.models import Connection
from tidegate.wiring import actions

OUTREACH = OutreachCatalogue(
    fields=(
        *(Field(m.outreach, m.outreach.title(), Kind.TEXT) for m in SYSTEM_MAPPINGS),
        Field("custom.city", "City", Kind.TEXT, custom=True),
    ),
    lists=(NamedList("1", "Leads"), NamedList("2", 'The "old" ones\x7f')),
)
PIPEDRIVE = PipedriveCatalogue(
    fields=(
        *(Field(m.pipedrive, m.pipedrive.title(), Kind.TEXT) for m in SYSTEM_MAPPINGS),
        Field("abc", "Town", Kind.TEXT, custom=True),
        Field("def", "Came from", Kind.TEXT, custom=True),
    ),
    users=(User("7", "Ada"), User("8", "Bo")),
    pipelines=(
        Pipeline("1", "Sales", 1, (Stage("11", "Lead in", "1", 1), Stage("12", "Contacted", "1", 2))),
        Pipeline("2", "Partners", 2, (Stage("21", "Contacted", "2", 1),)),
    ),
    filters=(PersonFilter("12", "Customers"),),
)
HERE = Place("here", "Acme", 3, OUTREACH, PIPEDRIVE)
FULL = Settings(
    direction=Direction.TWO_WAY,
    sync_to_list="1",
    owner_id="7",
    sync_from_lists=("1", "2"),
    mappings=(*SYSTEM_MAPPINGS, FieldMapping("custom.city", "abc")),
    constants=(Constant(Side.PIPEDRIVE, "def", 'a "quoted"\nvalue – ü'),),
    filter_id="12",
    history_events=(Trigger.EMAIL_REPLIED, Trigger.UNSUBSCRIBED),
    unsubscribe_in_pipedrive=True,
    automations=(
        Automation(
            Trigger.EMAIL_SENT,
            actions=(
                Action(ActionKind.CREATE_DEAL, "2", title='"{name}" deal'),
                Action(ActionKind.MOVE_DEAL_TO_STAGE, "2", "21", only_in_pipeline=True),
                Action(ActionKind.MOVE_DEAL_TO_NEXT_STAGE),
                Action(ActionKind.ADD_ACTIVITY, subject="Call {first_name}"),
            ),
        ),
        Automation(
            Trigger.EMAIL_OPENED,
            enabled=False,
            often=Often.EVERY_EMAIL,
            actions=(Action(ActionKind.MOVE_DEAL_TO_STAGE),),
        ),
    ),
)


@pytest.mark.parametrize(
    "settings", [FULL, Settings(), replace(FULL, sync_from_lists=None), replace(FULL, sync_from_lists=())]
)
def test_a_file_says_all_of_the_settings(settings: Settings) -> None:
    text = write_settings(settings, HERE)
    assert settings_of(read_file(text), HERE) == settings


def test_a_list_that_was_renamed_is_the_same_list() -> None:
    renamed = replace(
        HERE, outreach=replace(OUTREACH, lists=(NamedList("1", "New"), NamedList("2", "Leads")))
    )
    assert settings_of(read_file(write_settings(FULL, HERE)), renamed).sync_to_list == "1"


def test_a_file_of_another_connection_is_matched_by_names() -> None:
    there = Place(
        "there",
        "Other",
        1,
        replace(OUTREACH, lists=(NamedList("2", "Leads"), NamedList("1", 'The "old" ones\x7f'))),
        replace(
            PIPEDRIVE,
            users=(User("7", "Bo"), User("9", "Ada")),
            pipelines=(
                Pipeline("1", "Partners", 1, (Stage("5", "Contacted", "1", 1),)),
                Pipeline("2", "Sales", 2, (Stage("21", "Contacted", "2", 1),)),
            ),
            fields=tuple(replace(f, key=f"x{f.key}") if f.custom else f for f in PIPEDRIVE.fields),
        ),
    )
    found = settings_of(read_file(write_settings(replace(FULL, filter_id=None), HERE)), there)
    assert (found.sync_to_list, found.owner_id, found.sync_from_lists) == ("2", "9", ("2", "1"))
    assert found.mappings[-1] == FieldMapping("custom.city", "xabc")
    assert found.constants[0].field == "xdef"
    create, move, *_rest = found.automations[0].actions
    assert (create.pipeline_id, move.pipeline_id, move.stage_id) == ("1", "1", "5")


def test_what_the_file_names_and_is_not_there_is_refused_by_its_place() -> None:
    bare = Place("there", "Other", 1, OutreachCatalogue(fields=OUTREACH.fields), PipedriveCatalogue())
    with pytest.raises(Invalid) as caught:
        settings_of(read_file(write_settings(FULL, HERE)), bare)
    assert {
        "sync_to_list",
        "owner",
        "sync_from_lists.0",
        "filter",
        "constants.0",
        "automations.email_sent.create_deal.pipeline",
        "automations.email_sent.move_deal_to_stage.stage",
    } <= set(caught.value.errors)
    assert "“Leads”" in caught.value.errors["sync_to_list"][0]


def test_a_stage_of_another_pipeline_is_not_taken_for_one_of_the_same_name() -> None:
    text = write_settings(FULL, HERE).replace('stage = { id = "21"', 'stage = { id = "12"')
    move = settings_of(read_file(text), HERE).automations[0].actions[1]
    assert move.stage_id == "21"  # by its name, in its own pipeline
    with pytest.raises(Invalid, match="names what is not there") as caught:
        settings_of(read_file(text.replace('{ id = "12", name = "Contacted" }', '{ id = "12" }')), HERE)
    assert list(caught.value.errors) == ["automations.email_sent.move_deal_to_stage.stage"]


def test_a_file_from_before_there_were_automations_still_counts() -> None:
    text = write_settings(replace(FULL, automations=()), HERE)
    older = re.sub(r"history_events = \[[^]]*\]\n", "", text)
    found = settings_of(read_file(older), HERE)
    assert (found.automations, found.history_events) == ((), WORTH_AN_UPDATE)


@pytest.mark.parametrize(
    "action",
    [
        '{ kind = "send_rocket" }',
        '{ kind = "add_activity", stage = { id = "11" } }',
        '{ kind = "create_deal", pipeline = "Sales" }',
    ],
)
def test_an_action_the_file_can_not_mean_is_refused_at_its_place(action: str) -> None:
    text = write_settings(replace(FULL, automations=()), HERE)
    text += f'\n[[automations]]\ntrigger = "email_sent"\nactions = [{action}]\n'
    with pytest.raises(Invalid) as caught:
        read_file(text)
    assert all(place.startswith("automations.0.actions.0") for place in caught.value.errors)


@pytest.mark.parametrize("text", ["= 1", "direction = 'sideways'", "", "[[mappings]]\nfoo = 1"])
def test_what_is_no_settings_file_is_refused_with_its_fault(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_file(text)
    assert caught.value.errors


def test_the_difference_is_told_in_words() -> None:
    after = replace(
        FULL, owner_id="8", sync_from_lists=None, mappings=SYSTEM_MAPPINGS, include_email_history=True
    )
    told = differences(FULL, after, HERE)
    assert "owner: “Ada” (7) → “Bo” (8)" in told
    assert any(line.startswith("sync_from_lists: ") and line.endswith("→ all lists") for line in told)
    assert "- mapping “City” (custom.city) = “Town” (abc)" in told
    assert differences(FULL, FULL, HERE) == []


def test_the_difference_of_automations_is_told_in_words() -> None:
    sent = FULL.automations[0]
    after = replace(
        FULL, automations=(replace(sent, actions=sent.actions[:1]),), history_events=WORTH_AN_UPDATE[:1]
    )
    told = differences(FULL, after, HERE)
    assert "history_events: email_replied, unsubscribed → email_replied" in told
    assert (
        "automations.email_opened: off, every_email: move_deal_to_stage only_in_pipeline=false → not set"
        in told
    )
    (line,) = [line for line in told if line.startswith("automations.email_sent: ")]
    assert line.endswith('→ on, per_campaign: create_deal pipeline=“Partners” (2) title="{name}" deal')


# --- The command


def run(*words: str) -> str:
    out = io.StringIO()
    call_command("settings", *words, stdout=out, no_color=True)
    return out.getvalue()


@pytest.fixture
def connection(db: None) -> Connection:
    made = make_connection(make_workspace())
    store_catalogues(made, outreach=OUTREACH, pipedrive=PIPEDRIVE)
    made.settings = settings_to_json(FULL)
    made.save(update_fields=["settings"])
    return made


@pytest.fixture
def file(connection: Connection, tmp_path: Path) -> Path:
    path = tmp_path / "settings.toml"
    assert "Written to" in run("export", str(path))
    return path


def swap(path: Path, was: str, now: str) -> None:
    text = path.read_text()
    assert was in text
    path.write_text(text.replace(was, now))


def test_exported_changed_applied(connection: Connection, file: Path) -> None:
    assert run("diff", str(file)).strip() == "Nothing changes."
    swap(file, '{ id = "7", name = "Ada" }', '{ id = "8", name = "Bo" }')
    assert "“Ada” (7) → “Bo” (8)" in run("diff", str(file))
    assert "Saved as version 2." in run("apply", str(file))
    connection.refresh_from_db()
    assert connection.get_settings() == replace(FULL, owner_id="8")


def test_a_stale_file_is_refused_unless_it_is_forced(connection: Connection, file: Path) -> None:
    actions.save_settings(connection, replace(FULL, owner_id="8"), version=None, actor="Ada")
    with pytest.raises(CommandError, match="at version 2 by now, and these changes were made to version 1"):
        run("apply", str(file))
    assert "Saved as version 3." in run("apply", str(file), "--force")


def test_the_version_that_may_be_replaced_can_be_named(connection: Connection, file: Path) -> None:
    actions.save_settings(connection, replace(FULL, owner_id="8"), version=None, actor="Ada")
    assert "Saved as version 3." in run("apply", str(file), "--version", "2")


def test_a_file_gets_no_further_than_the_page(connection: Connection, file: Path) -> None:
    swap(file, 'field = { id = "def", name = "Came from" }', 'field = { id = "abc", name = "Town" }')
    with pytest.raises(CommandError, match="is mapped"):
        run("apply", str(file))
    connection.refresh_from_db()
    assert connection.get_settings() == FULL


def test_a_file_that_is_not_there_is_said(connection: Connection) -> None:
    with pytest.raises(CommandError, match="can't be read"):
        run("diff", "/nowhere/settings.toml")
