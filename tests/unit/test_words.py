"""ADR 18: what people read is said whole, with its facts by name, so that another language can be told."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.sentences import SOURCES, Said, all_said, files, tree_of
from tidegate.words import Counted, Template, say

CALLS_FOR_PEOPLE = {
    "Problem",
    "NotPerformed",
    "Unreadable",
    "Refusal",
    "Plan",
    "UndoPlan",
    "Unfit",
    "Stopped",
}
TRANSLATED = {"say", "Counted", "_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext"}
NOT_FOR_PEOPLE = {
    "say", "Counted", "_", "gettext", "compile", "match", "sub", "split", "execute", "ValueError", "TypeError", "RuntimeError",
    "AssertionError", "debug", "info", "warning", "error", "exception", "log", "ImproperlyConfigured", "ConfigurationError",
    "Q", "RawSQL", "Func", "NewType", "ForwardRef", "TypeVar", "cast", "removeprefix", "removesuffix", "split_name", "fullmatch",
}  # fmt: skip
"""Around these a literal is a translated text already, a line of the log, a pattern, or meant for a programmer."""
OTHERS = {
    "core/echo.py": r"an id, not a name",
    "core/values.py": r"%Y-%m-%d",
    "core/advice.py": r"persons have the same|prospects have the same|is linked to another|can’t see|was deleted in",
    "core/automations_file.py": r"",
    "core/settings_file.py": r"",
    "core/named_things.py": r"",
    "adapters/http.py": r"surely never left|may have arrived|no such address|our own fault",
    "adapters/pipedrive/field_values.py": r"not composite|numbers are numbers|yes nor no|are objects|come as a list",
    "adapters/mail_providers/views.py": r"receipt rule|Resend webhook",
    "adapters/mail_providers/translate.py": r"",
    "prospects/importing/columns.py": r"",
    "prospects/letters.py": r"noopener",
    "adapters/pipedrive/refusals.py": r"address of the webhook",
    "store/queries/flow.py": r"percentile_cont",
    "store/readiness.py": r"",
    "store/setup_code.py": r"",
    "store/secrets.py": r"TIDEGATE_ENCRYPTION_KEYS",
}
"""File -> what else it holds that reads like a sentence: files people write, names of columns, what an operator is told."""


def parents_of(tree: ast.AST) -> dict[ast.AST, ast.AST]:
    return {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}


def around(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[ast.AST]:
    while node in parents:
        node = parents[node]
        yield node


def name_of(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)


def text_of(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)  # type: ignore[misc]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def reads_like_a_sentence(text: str) -> bool:
    words = re.findall(r"[A-Za-z’'-]{2,}", text)
    return (
        len(words) >= 3
        and text.count(" ") >= 2
        and not re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|COPY|SET| ON CONFLICT)\b|\s*\n", text)
    )


def unsaid() -> Iterator[str]:
    for path in files():
        tree, name = tree_of(path), str(path.relative_to(SOURCES))
        parents = parents_of(tree)
        for node in ast.walk(tree):
            text = text_of(node)
            if not text or isinstance(parents.get(node), ast.Expr | ast.JoinedStr | ast.FormattedValue):
                continue
            above = list(around(node, parents))
            calls = {name_of(call) for call in above if isinstance(call, ast.Call)}
            is_string_of_a_model = any(isinstance(n, ast.FunctionDef) and n.name == "__str__" for n in above)
            is_annotation = any(
                isinstance(n, ast.AnnAssign) and n.annotation in (node, *above) for n in above
            )
            if calls & NOT_FOR_PEOPLE or is_string_of_a_model or is_annotation:
                continue
            told = re.search(r"[a-z] [a-z]", text) and calls & CALLS_FOR_PEOPLE
            if (reads_like_a_sentence(text) or told) and not (
                name in OTHERS and re.search(OTHERS[name], text)
            ):
                yield f"{name}:{getattr(node, 'lineno', 0)}: {text}"


def test_every_sentence_is_said() -> None:
    assert list(unsaid()) == []


def test_apostrophes_are_those_of_print() -> None:
    """As everywhere on the pages: one that comes from a keyboard beside one that does not looks like a mistake."""
    straight = []
    for path in files():
        calls = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]
        texts = [text_of(given) for call in calls if name_of(call) in TRANSLATED for given in call.args]
        straight += [f"{path.name}: {text}" for text in texts if re.search(r"\w'\w", text)]
    for path in SOURCES.rglob("*.html"):
        texts = re.findall(
            r'{% translate "(.*?)"|{% blocktranslate.*?%}(.*?){% endblocktranslate',
            path.read_text(),
            re.DOTALL,
        )
        straight += [f"{path.name}: {text}" for pair in texts for text in pair if re.search(r"\w'\w", text)]
    assert straight == []


@pytest.mark.parametrize("said", all_said(), ids=lambda said: said.place)
def test_a_sentence_names_exactly_the_facts_it_is_given(said: Said) -> None:
    for text in said.texts:
        template = Template.of(text)
        assert "" not in template.names, "facts have names"
        assert len(set(template.names)) == len(template.names) or said.facts is not None
        if said.facts is not None:
            assert set(template.names) == said.facts
        assert "" not in template.literals[1:-1], "between two facts something must tell them apart"


def test_no_plural_is_missing() -> None:
    """A number of things is a matter of grammar: two forms in English, other numbers of them elsewhere."""
    odd = [said.place for said in all_said() if said.facts and "count" in said.facts]

    assert odd == []


def test_facts_are_set_in_by_name() -> None:
    assert say("“{field}” has a constant already.", field="Rank") == "“Rank” has a constant already."
    assert say("{nothing} is set in where no fact is given") == "{nothing} is set in where no fact is given"


def test_one_is_told_otherwise_than_many() -> None:
    rows = Counted("{count} row of {file}", "{count} rows of {file}")

    assert [rows(n, file="a.csv") for n in (0, 1, 2, 1200)] == [
        "0 rows of a.csv",
        "1 row of a.csv",
        "2 rows of a.csv",
        "1,200 rows of a.csv",
    ]


@pytest.mark.parametrize(
    ("text", "sentence", "facts"),
    [
        ("It was imported.", "It was imported.", {}),
        ("It was imported.", "It was imported. Twice.", None),
        ("{a} is in {b} already.", "Acme is in Won already.", {"a": "Acme", "b": "Won"}),
        ("{a} is in {b} already.", "in in is in in in already.", {"a": "in in", "b": "in in"}),
        ("{a} is in {b} already.", " is in  already.", {"a": "", "b": ""}),
        ("{a} is in {b} already.", " is in already.", None),
        ("Enter {a}", "Enter", None),
        ("{a}", "anything", {"a": "anything"}),
    ],
)
def test_the_facts_are_read_from_the_sentence(text: str, sentence: str, facts: dict[str, str] | None) -> None:
    found = Template.of(text).facts_in(sentence)

    assert (None if found is None else dict(found)) == facts
