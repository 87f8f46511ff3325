"""`tidegate event` and `tidegate import-events`: what the operator tells, and what is said back."""

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command, load_command_class
from django.utils import timezone

from tests.builders import make_workspace
from tidegate.prospects.models import CampaignEmail, CampaignEvent, Consent, Prospect
from tidegate.prospects.services import Author, create_prospect
from tidegate.prospects.signals import campaign_events_known

pytestmark = pytest.mark.django_db

INES = "ines@brightwater.example"


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out, no_color=True)
    return out.getvalue().strip()


@pytest.fixture
def ines() -> Prospect:
    author = Author(make_workspace().pk, "Alice", "page")
    return create_prospect(author, {"first_name": "Inês", "email": INES}).prospect


class TestEvent:
    def test_an_event_is_told_and_said_back(self, ines: Prospect) -> None:
        sent = ("event", "email_sent", "--prospect", INES, "--campaign", "Q2", "--subject", "Hello")
        assert run(*sent) == "“Sent” of Inês, Q2, “Hello” is stored."
        opened = run("event", "email_opened", "--prospect", str(ines.pk))
        assert opened == "“Opened” of Inês, Q2, “Hello” is stored."
        assert CampaignEvent.objects.filter(email=CampaignEmail.objects.get(), source="command").count() == 2

    def test_with_a_key_it_is_one_event(self, ines: Prospect) -> None:
        at = (timezone.now() - timedelta(hours=1)).isoformat()
        words = ("event", "email_sent", "--prospect", INES, "--key", "k", "--at", at)
        assert run(*words).endswith("is stored.")
        assert run(*words) == "“Sent” was told before with this key; nothing changed."

    def test_an_event_of_nobody_waits(self, ines: Prospect) -> None:
        said = run("event", "unsubscribed", "--prospect", "bram@havu.example")
        assert said == "“Unsubscribed” is kept until a prospect has the address bram@havu.example."

    def test_what_sets_nothing_off_is_said_so(self, ines: Prospect) -> None:
        assert run("event", "waved", "--prospect", INES) == "“waved” of Inês is stored. It sets nothing off."

    @pytest.mark.parametrize(
        ("kind", "hint"),
        [
            ("link_clickd", " Tidegate does not know this type; did you mean link_clicked?"),
            ("consent_renewed", ""),
            ("waved", ""),
        ],
    )
    def test_a_mistyped_type_is_kept_and_the_known_one_named(
        self, ines: Prospect, kind: str, hint: str
    ) -> None:
        assert run("event", kind, "--prospect", INES).endswith(f"is stored. It sets nothing off.{hint}")
        assert run("event", kind, "--prospect", "bram@havu.example").endswith(f"bram@havu.example.{hint}")
        assert CampaignEvent.objects.filter(type=kind).count() == 2

    def test_a_fault_is_told_without_the_words_of_the_code(
        self, ines: Prospect, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as end:
            load_command_class("tidegate.cli", "event").run_from_argv(
                ["tidegate", "event", "email_sent", "--prospect", "999999", "--no-color"]
            )

        said = capsys.readouterr().err.strip()
        assert (end.value.code, said) == (
            1,
            "The event was refused. --prospect: There is no prospect with the id 999999.",
        )

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("--prospect", "999999"), "There is no prospect with the id 999999"),
            (("--prospect", "not an@address"), "is not a valid e-mail address"),
            (("--prospect", INES, "--at", "soon"), "--at: This must be a time with its zone"),
        ],
    )
    def test_a_fault_is_one_line(self, ines: Prospect, words: tuple[str, ...], said: str) -> None:
        with pytest.raises(CommandError, match=said):
            run("event", "email_sent", *words)


CSV = """\
Event type,Event time,Recipient,Campaign,Subject,Link,Colour
sent,2025-02-02 10:00:00,ines@brightwater.example,Winter,Hello from Northlight,,red
open,2025-02-02T11:30:00+01:00,Ines@Brightwater.example,Winter,,,
click,2025-02-03 08:00:00 UTC,ines@brightwater.example,Winter,,https://northlight.example,
unsubscribe,2025-02-04 08:00:00,ines@brightwater.example,Winter,,,
sent,2025-02-02 10:00:00,bram@havu.example,Winter,Hello from Northlight,,
sent,sometime,ines@brightwater.example,Winter,,,
"""


class TestImport:
    def write(self, path: Path, content: str | bytes) -> str:
        file = path / "history.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(file)

    def test_a_history_comes_in_and_sets_nothing_off(self, ines: Prospect, tmp_path: Path) -> None:
        heard: list[Any] = []
        campaign_events_known.connect(lambda **facts: heard.append(facts), weak=False, dispatch_uid="test")
        try:
            said = run("import-events", self.write(tmp_path, CSV)).splitlines()
        finally:
            campaign_events_known.disconnect(dispatch_uid="test")

        assert said[:2] == [
            "Campaign events: 5 new, 1 not imported.",
            "  1 of them wait until a prospect has the address.",
        ]
        assert said[2].startswith("  event 7, not imported: at: This must be a time with its zone")
        assert not heard
        events = CampaignEvent.objects.filter(prospect=ines).order_by("at")
        assert [event.type for event in events] == [
            "email_sent",
            "email_opened",
            "link_clicked",
            "unsubscribed",
        ]
        assert all(event.historical for event in events)
        assert {event.email and event.email.subject for event in events} == {"Hello from Northlight"}
        ines.refresh_from_db()
        assert ines.consent == Consent.UNSUBSCRIBED

    def test_the_same_file_again_changes_nothing(self, ines: Prospect, tmp_path: Path) -> None:
        path = self.write(tmp_path, CSV)
        run("import-events", path)
        assert run("import-events", path).startswith("Campaign events: 5 known already, 1 not imported.")

    @pytest.mark.parametrize("form", ["list", "items", "lines"])
    def test_json_is_read_in_the_words_of_the_api(self, ines: Prospect, tmp_path: Path, form: str) -> None:
        events = [
            {
                "type": kind,
                "at": f"2025-02-0{day}T10:00:00Z",
                "prospect": {"email": INES},
                "email": {"id": "m1"},
            }
            for day, kind in ((1, "email_sent"), (2, "email_opened"))
        ]
        content = {
            "list": json.dumps(events),
            "items": json.dumps({"items": events}),
            "lines": "\n".join(map(json.dumps, events)),
        }[form]
        assert run("import-events", self.write(tmp_path, content)) == "Campaign events: 2 new."
        assert CampaignEmail.objects.get().key == "m1"

    def test_a_file_of_another_encoding_and_delimiter_is_read(self, ines: Prospect, tmp_path: Path) -> None:
        text = "type;at;prospect.email;email.subject\nemail_sent;2025-02-01;;\nemail_sent;2025-02-01 10:00;ines@brightwater.example;Olá, Inês\n"
        said = run("import-events", self.write(tmp_path, text.encode("cp1252")))
        assert said.startswith("Campaign events: 1 new, 1 not imported.")
        assert CampaignEmail.objects.get().subject == "Olá, Inês"

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("", "The file is empty"),
            ("Colour,Size\nred,1\n", "at and type is not among them"),
            ("[1, 2", "is not JSON"),
            ('{"items": {}}', "holds no list of events"),
        ],
    )
    def test_what_is_no_history_is_refused_in_words(
        self, ines: Prospect, tmp_path: Path, content: str, said: str
    ) -> None:
        with pytest.raises(CommandError, match=said):
            run("import-events", self.write(tmp_path, content))

    def test_a_file_that_is_not_there_is_named(self, ines: Prospect, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="can't be opened"):
            run("import-events", str(tmp_path / "none.csv"))
