"""The installed `openai` package, the catalogue, the tests' marks and docs/COMPATIBILITY.md say the same."""

from __future__ import annotations

import ast
import re

from tests.compatibility.catalogue import DOCUMENT, Showing, rows, showings, shown_by, written
from tests.compatibility.published import published

NAMES = [(row.section, row.name) for row in rows()]


def test_the_catalogue_names_all_that_is_published_and_nothing_else() -> None:
    there = {(section, name) for section, names in published().items() for name in names}
    assert {"new in openai": there - set(NAMES), "gone from openai": set(NAMES) - there} == {
        "new in openai": set(),
        "gone from openai": set(),
    }


def test_nothing_is_named_twice() -> None:
    assert sorted(NAMES) == sorted(set(NAMES))


def test_whatever_is_supported_or_passed_through_is_shown_by_a_test() -> None:
    claimed = {(row.section, row.name) for row in rows() if row.state != "not"}
    assert claimed - set(shown_by()) == set()


def test_whatever_is_not_there_has_a_reason_in_words() -> None:
    assert [row for row in rows() if row.state == "not" and not re.fullmatch(r"[^ ]+( [^ ]+)+\.", row.words)] == []


def test_every_mark_names_what_is_in_the_catalogue() -> None:
    assert set(shown_by()) - set(NAMES) == set()
    assert [each.test.name for each in showings() if not each.shown] == []


def test_a_test_speaks_of_what_it_is_marked_with() -> None:
    assert [(each.test.name, name) for each in showings() for name in each.shown if not speaks_of(each, name)] == []


def speaks_of(showing: Showing, name: str) -> bool:
    """A test of every name in a state takes them from the fixture `names`; any other has the name's last part in its
    body, as an attribute, an argument or a text."""
    if showing.every:
        return "names" in [argument.arg for argument in showing.test.args.args]
    said = ast.unparse(ast.Module(showing.test.body, []))
    return re.search(rf"\b{re.escape(re.split(r'[.]', name)[-1])}\b", said) is not None


def test_the_document_is_as_make_docs_writes_it() -> None:
    document = DOCUMENT.read_text()
    assert document == written(document), "run `make docs`"
