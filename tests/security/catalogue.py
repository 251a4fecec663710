"""The attacks and faults of cases.toml, the tests that are marked with them, and the table that both make."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
TABLE = ROOT / "docs" / "SECURITY.md"
BEGIN, END = "<!-- made by make docs: begin -->\n", "<!-- made by make docs: end -->\n"


@dataclass(frozen=True)
class Case:
    """`kind` is attack or fault."""

    kind: str
    id: str
    what: str
    expected: str


def cases() -> list[Case]:
    """In the order of the file."""
    read = tomllib.loads((TESTS / "security" / "cases.toml").read_text())
    return [Case(kind, **entry) for kind in ("attack", "fault") for entry in read[kind]]


def shown_by() -> Mapping[str, list[str]]:
    """The tests by the case that they are marked with, each as path::name."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        place = path.relative_to(TESTS).as_posix()
        for name, case in _marks(ast.parse(path.read_text())):
            found.setdefault(case, []).append(f"{place}::{name}")
    return found


def _marks(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.case":
                    yield from ((node.name, ast.literal_eval(argument)) for argument in mark.args)


def table() -> str:
    """Both tables in Markdown."""
    tests = shown_by()
    return "\n".join(_section(kind, tests) for kind in ("attack", "fault"))


def _section(kind: str, tests: Mapping[str, list[str]]) -> str:
    rows = [
        f"| {case.what} | {case.expected} | {'<br>'.join(f'`{name}`' for name in tests.get(case.id, []))} |"
        for case in cases()
        if case.kind == kind
    ]
    head = [f"## {kind.capitalize()}s", "", f"| {kind} | expected | shown by |", "|---|---|---|"]
    return "\n".join([*head, *rows, ""])


def written(document: str) -> str:
    """The document with its tables made anew."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"
