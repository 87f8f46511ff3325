"""CSV files on their way into the store, and out of it."""

import csv
import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.builders import make_workspace
from tidegate import cli
from tidegate.errors import Invalid
from tidegate.prospects import queries
from tidegate.prospects.exporting import csv_lines, guarded
from tidegate.prospects.importing.columns import describe_columns
from tidegate.prospects.importing.files import look_at, read_rows
from tidegate.prospects.importing.running import Importer, Plan, in_batches, unquoted
from tidegate.prospects.models import CustomField, FieldType, Prospect, ProspectList
from tidegate.prospects.services import Policy, create_field, create_list, create_prospect, delete_field

SAMPLE = Path(cli.__file__).parent / "sample" / "prospects.csv"


def run(author, content, *, targets=None, dry=False, batch=500, **wishes):
    """Import a file as the command does; a report for each row."""
    file = io.BytesIO(content if isinstance(content, bytes) else content.encode())
    shape = look_at(file)
    header, *rows = read_rows(file, shape)
    fields = queries.read_fields(author.workspace_id)
    columns = describe_columns(header.cells, [row.cells for row in rows], fields)
    plan = Plan(tuple(targets or [column.target for column in columns]), **wishes)
    importer = Importer(author, header.cells, plan, dry=dry)
    return [report for some in in_batches(iter(rows), batch) for report in importer.take(some)]


def outcomes(reports):
    return [report.outcome for report in reports]


def test_a_file_of_another_tool_comes_in_whole(author, announced):
    reports = run(
        author,
        "First name,Last name,Email,Company name,Job position,Phone,List,Team size,Newsletter\n"
        'Inês,Carvalho,Ines@Example.com,Brightwater Lda,COO,+351 21 555 0142,"Founders; Webinar, March",85,yes\n',
    )

    prospect = Prospect.objects.get()
    assert outcomes(reports) == ["created"]
    assert (prospect.first_name, prospect.last_name, prospect.email) == (
        "Inês",
        "Carvalho",
        "Ines@Example.com",
    )
    assert (prospect.company, prospect.job_title, prospect.phone) == (
        "Brightwater Lda",
        "COO",
        "+351 21 555 0142",
    )
    assert prospect.custom == {"team_size": "85", "newsletter": True}
    assert sorted(prospect.lists.values_list("name", flat=True)) == ["Founders", "Webinar, March"]
    assert announced.changes == [("create", [prospect.pk])]


def test_the_same_file_again_changes_nothing(author, announced):
    content = SAMPLE.read_bytes()
    assert set(outcomes(run(author, content))) == {"created"}
    announced.forget()

    assert set(outcomes(run(author, content, batch=7))) == {"unchanged"}

    assert announced.changes == []
    assert Prospect.objects.count() == 500


def test_rows_without_an_address_are_not_doubled_either(author):
    content = "First name,Company\nAnn,Acme\nAnn,Acme\nBob,Acme\n"

    assert outcomes(run(author, content)) == ["created", "unchanged", "created"]
    assert outcomes(run(author, content)) == ["unchanged", "unchanged", "unchanged"]


def test_a_repeated_address_counts_the_first_time(author):
    reports = run(author, "Email,Company\na@example.com,First\nA@Example.com,Second\n", batch=1)

    assert outcomes(reports) == ["created", "twice"]
    assert Prospect.objects.get().company == "First"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("nobody,Ann,5", "E-mail: “nobody” is not a valid e-mail address."),
        (f"a@example.com,{'x' * 256},5", "First name: Too long: 256 of 255 characters."),
        ("a@example.com,An\udcffn,5", "First name: It holds characters that could not be read."),
        (",,5", "E-mail: A prospect needs a name"),
        ("a@example.com,Ann,5,surplus", "The row: It has 4 cells, the header has 3."),
    ],
)
def test_a_row_that_can_not_be_taken_says_why_and_the_others_go_on(author, row, reason):
    content = f"Email,First name,Size\n{row}\nb@example.com,Bób,7\n".encode("utf-8", "surrogateescape")

    reports = run(author, content)

    assert outcomes(reports) == ["rejected", "created"]
    assert reports[0].row.line == 2
    assert reason in reports[0].reason


def test_a_cell_of_five_megabytes_costs_its_row_and_no_other(author):
    huge = "x" * 5_000_000

    reports = run(author, f"Email,First name\na@example.com,{huge}\nb@example.com,Bob\n")

    assert outcomes(reports) == ["rejected", "created"]
    assert "5,000,000 of 255" in reports[0].reason
    assert len(reports[0].reason) < 200


def test_a_value_that_does_not_fit_is_left_out_and_named(author):
    create_field(author, "Team size", "number")
    create_field(author, "Colour", "option", ["Blue"])

    reports = run(author, "Email,Team size,Colour\na@example.com,about 40,Green\nb@example.com,40,blue\n")

    assert outcomes(reports) == ["created", "created"]
    assert "Team size: “about 40” is not a number" in reports[0].reason
    assert "Colour: “Green” is not one of the options" in reports[0].reason
    assert reports[1].reason == ""
    assert [p.custom for p in Prospect.objects.order_by("pk")] == [{}, {"team_size": "40", "colour": "Blue"}]


def test_a_new_option_field_learns_its_options_from_the_file(author):
    run(author, "Email,Colour\na@example.com,Blue\nb@example.com,blue\nc@example.com,Red\n",
        targets=["email", "new:option"], batch=1)  # fmt: skip

    assert CustomField.objects.get().options == ["Blue", "Red"]
    assert [p.custom for p in Prospect.objects.order_by("pk")] == [
        {"colour": c} for c in ("Blue", "Blue", "Red")
    ]


def test_a_blank_cell_empties_nothing(author):
    create_prospect(author, {"email": "a@example.com", "company": "Acme", "phone": "112"})

    run(author, "Email,Company,Phone\na@example.com,,\n")

    prospect = Prospect.objects.get()
    assert (prospect.company, prospect.phone) == ("Acme", "112")


@pytest.mark.parametrize(("policy", "company"), [(Policy.OVERWRITE, "New"), (Policy.FILL, "Old"), (Policy.SKIP, "Old")])  # fmt: skip
def test_the_policy_holds_for_who_is_here_already(author, policy, company):
    create_prospect(author, {"email": "a@example.com", "company": "Old"})

    run(author, "Email,Company\na@example.com,New\n", policy=policy)

    assert Prospect.objects.get().company == company


def test_everybody_enters_the_chosen_lists(author):
    list_id = create_list(author, "Spring").pk

    run(author, "Email\na@example.com\nb@example.com\n", list_ids=(list_id,))

    assert ProspectList.objects.get().prospects.count() == 2


def test_several_addresses_in_one_cell_are_all_kept(author):
    run(author, 'Email,Phone,Home phone\n"a@example.com; b@example.com",111,222\n')

    prospect = Prospect.objects.get()
    assert [entry["value"] for entry in prospect.emails] == ["a@example.com", "b@example.com"]
    assert [entry["value"] for entry in prospect.phones] == ["111", "222"]


def test_a_dry_run_says_the_same_and_writes_nothing(author, announced):
    create_prospect(author, {"email": "known@example.com"})
    announced.forget()
    content = (
        "Email,Company,Colour,List\nknown@example.com,Acme,Red,New list\n"
        "a@example.com,Acme,Red,\na@example.com,Acme,Blue,\nnobody,Acme,Blue,\n"
    )
    targets = ["email", "company", "new:option", "list"]

    dry = outcomes(run(author, content, targets=targets, dry=True))

    assert Prospect.objects.count() == 1
    assert not CustomField.objects.exists()
    assert not ProspectList.objects.exists()
    assert announced.changes == []
    assert (
        dry == outcomes(run(author, content, targets=targets)) == ["updated", "created", "twice", "rejected"]
    )


def test_a_field_deleted_meanwhile_costs_its_values_and_no_row(author):
    create_field(author, "Size", "number")
    file = io.BytesIO(b"Email,Size\na@example.com,5\nb@example.com,6\n")
    header, *rows = read_rows(file, look_at(file))
    importer = Importer(author, header.cells, Plan(("email", "custom.size")))
    importer.take(rows[:1])
    delete_field(author, "size")

    reports = importer.take(rows[1:])

    assert outcomes(reports) == ["created"]
    assert "no custom field" in reports[0].reason


@pytest.mark.parametrize(
    ("targets", "place"),
    [
        (("email", "email"), "columns.1"),
        (("email", "custom.nothing"), "columns.1"),
        (("email", "shoe size"), "columns.1"),
        (("skip", "skip"), "columns"),
        (("email",), "columns"),
    ],
)
def test_a_plan_that_can_not_work_is_refused_before_anything_is_written(author, targets, place):
    with pytest.raises(Invalid) as refusal:
        Importer(author, ("Email", "Other"), Plan(targets))

    assert place in refusal.value.errors


def test_an_import_that_stopped_half_way_is_completed_by_running_it_again(author):
    content = "Email,Company\n" + "".join(f"{n}@example.com,Acme\n" for n in range(20))
    file = io.BytesIO(content.encode())
    header, *rows = read_rows(file, look_at(file))
    Importer(author, header.cells, Plan(("email", "company"))).take(rows[:12])

    assert outcomes(run(author, content)) == ["unchanged"] * 12 + ["created"] * 8


TRICKY = [
    "=1+1",
    "@home",
    "-dash",
    "+49 30 1",
    "-12.5",
    "'quoted",
    "'=x",
    "plain",
    '"',
    "a;b",
    "tab\tbed",
    "x\ny",
]


@pytest.mark.parametrize("cell", TRICKY)
def test_no_cell_of_an_export_is_a_formula_and_none_is_changed_by_coming_back(cell):
    written = guarded(cell)

    assert written[0] not in "=@" or written[0] == "'"
    assert unquoted(written) == cell


def test_an_export_comes_back_unchanged(author, stranger, announced):
    for field_type in FieldType:
        options = ["Blue", "Red, dark"] if field_type in (FieldType.OPTION, FieldType.OPTIONS) else []
        create_field(author, f"A {field_type.label}", field_type.value, options)
    keys = {item.type: item.key for item in CustomField.objects.filter(workspace_id=author.workspace_id)}
    values = {
        "text": "=SUM(A1)", "long_text": "one\ntwo", "number": "-12.5", "money": "1200.5 EUR", "date": "2026-03-31",
        "time": "09:30 Europe/Berlin", "datetime": "2026-03-31T09:30:00+02:00", "date_range": "2026-03-01/2026-03-31",
        "boolean": False, "option": "Red, dark", "options": ["Blue", "Red, dark"], "phone": ["+49 30 1", "112"],
        "email": ["x@example.com"], "address": "1 Quay Street\nPorto", "link": "https://example.com",
    }  # fmt: skip
    everything = {keys[field_type]: value for field_type, value in values.items()}
    lists = [create_list(author, name).pk for name in ("One", "Two, too")]
    first = {
        "emails": ["Ann@Example.com", "b@example.com"],
        "phones": ["+351 21 5", "112"],
        "first_name": "@nn",
        "last_name": "O'Dell",
        "custom": everything,
        "email_status": "unverifiable",
        "consent": "unsubscribed",
    }
    create_prospect(author, first, list_ids=lists)
    create_prospect(stranger, {"email": "theirs@example.com"})
    content = "".join(csv_lines(queries.Filter(author.workspace_id)))
    announced.forget()

    reports = run(author, content)

    assert outcomes(reports) == ["unchanged"]
    assert "theirs" not in content
    Prospect.objects.filter(workspace_id=author.workspace_id).delete()
    assert outcomes(run(author, content)) == ["created"]
    again = "".join(csv_lines(queries.Filter(author.workspace_id)))
    assert again == content


@pytest.mark.django_db
class TestCommands:
    @pytest.fixture
    def workspace(self):
        return make_workspace()

    def call(self, name, *args, **options):
        out = io.StringIO()
        call_command(name, *map(str, args), stdout=out, **options)
        return out.getvalue()

    def test_the_sample_comes_in_and_goes_out(self, workspace, tmp_path):
        said = self.call("import", SAMPLE, list=["Everybody"])
        out = self.call("export", tmp_path / "out.csv", list="Everybody")

        assert "500 new" in said
        assert "500 prospects" in out
        assert "500 unchanged" in self.call("import", tmp_path / "out.csv")
        assert ProspectList.objects.count() == 5

    def test_faulty_rows_are_listed_and_written_to_a_file(self, workspace, tmp_path):
        path = tmp_path / "mine.csv"
        path.write_text("Email,First name\nnobody,Ann\nb@example.com,Bob\n")

        said = self.call("import", path, errors=tmp_path / "errors.csv")

        assert "line 2, not imported: E-mail: “nobody” is not a valid e-mail address." in said
        rows = list(csv.reader(io.StringIO((tmp_path / "errors.csv").read_text(encoding="utf-8-sig"))))
        assert rows[0] == ["Email", "First name", "Line of the file", "Problem"]
        assert rows[1][:3] == ["nobody", "Ann", "2"]

    def test_columns_can_be_sent_elsewhere(self, workspace, tmp_path):
        path = tmp_path / "mine.csv"
        path.write_text("Adresse,Fax\na@example.com,123\n")

        self.call("import", path, map=["Adresse=email", "Fax=phone"])

        assert Prospect.objects.get().phone == "123"

    @pytest.mark.parametrize(
        ("content", "options", "reason"),
        [
            (b"", {}, "empty"),
            (b"a@example.com,Ann\n", {}, "does not name the columns"),
            (b"PK\x03\x04zip", {}, "Excel workbook"),
            (b"Email\na@example.com\n", {"map": ["Nope=email"]}, "no such column"),
            (b"Shoe\n44\n", {}, "says who it is"),
            (b"Email\n", {"delimiter": ";;"}, "one sign"),
        ],
    )
    def test_a_file_that_can_not_be_used_is_refused_in_a_sentence(
        self, workspace, tmp_path, content, options, reason
    ):
        path = tmp_path / "mine.csv"
        path.write_bytes(content)

        with pytest.raises(CommandError, match=reason):
            self.call("import", path, **options)
        assert not Prospect.objects.exists()

    def test_a_file_that_is_not_there_is_said(self, workspace, tmp_path):
        with pytest.raises(CommandError, match="can't be opened"):
            self.call("import", tmp_path / "none.csv")

    def test_an_unknown_list_is_said_with_those_there_are(self, workspace, tmp_path):
        with pytest.raises(CommandError, match="no list “Nope”"):
            self.call("export", tmp_path / "out.csv", list="Nope")
