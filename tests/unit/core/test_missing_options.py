"""Options that one side has and the other lacks are named, whichever way they are spelt."""

from tidegate.core.catalogue import Field, Option, OutreachCatalogue, PipedriveCatalogue
from tidegate.core.records import Side
from tidegate.core.settings import FieldMapping, missing_options
from tidegate.core.values import Kind

PAIR = FieldMapping("custom.tier", "abc")


def found(left: list[str], right: list[str], kind: Kind = Kind.OPTION) -> dict[Side, tuple[str, ...]]:
    def field(key: str, labels: list[str]) -> Field:
        return Field(
            key, "Tier", kind, options=tuple(Option(str(i), label) for i, label in enumerate(labels))
        )

    return missing_options(
        PAIR, OutreachCatalogue((field("custom.tier", left),)), PipedriveCatalogue((field("abc", right),))
    )


def test_each_side_is_told_what_it_lacks() -> None:
    assert found(["Gold", "Tin"], ["gold", "Silver"]) == {
        Side.OUTREACH: ("Silver",),
        Side.PIPEDRIVE: ("Tin",),
    }


def test_the_same_options_lack_nothing() -> None:
    assert found(["Gold"], ["GOLD"]) == {}


def test_other_kinds_have_no_options_to_lack() -> None:
    assert found(["Gold"], [], Kind.TEXT) == {}


def test_a_field_that_is_gone_lacks_nothing_here() -> None:
    assert missing_options(PAIR, OutreachCatalogue(), PipedriveCatalogue()) == {}
