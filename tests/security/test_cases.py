"""The catalogue, the tests' marks and docs/SECURITY.md say the same."""

from __future__ import annotations

from tests.security.catalogue import TABLE, cases, shown_by, written


def test_every_case_has_an_id_of_its_own() -> None:
    ids = [case.id for case in cases()]
    assert len(ids) == len(set(ids))


def test_every_case_is_shown_by_a_test() -> None:
    assert {case.id for case in cases()} - set(shown_by()) == set()


def test_every_mark_names_a_case() -> None:
    assert set(shown_by()) - {case.id for case in cases()} == set()


def test_the_document_is_as_make_docs_writes_it() -> None:
    document = TABLE.read_text()
    assert document == written(document), "run `make docs`"
