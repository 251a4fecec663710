"""The rows of catalogue.toml, the tests that are marked with them, and the tables that both make."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.compatibility.published import ANSWERS, METHODS, PARAMETERS, VERSION, published

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "COMPATIBILITY.md"
BEGIN, END = "<!-- made by make docs: begin -->\n", "<!-- made by make docs: end -->\n"
STATES: Mapping[str, str] = {"supported": "supported", "passed": "passed through", "not": "**not**"}
TABLES: Mapping[str, Mapping[str, object]] = {"Answers": ANSWERS, "Parameters": PARAMETERS, "Methods": METHODS}


@dataclass(frozen=True)
class Row:
    """`section` is a type or a resource of `openai`, `name` what it publishes, `words` how or why, perhaps ""."""

    section: str
    name: str
    state: str
    words: str


def rows() -> list[Row]:
    """All of them. Raises KeyError for a state that there is none of."""
    read = tomllib.loads((HERE / "catalogue.toml").read_text())
    return [Row(section, *each) for section, states in read.items() for each in _entries(states)]


def _entries(states: Mapping[str, list[str] | Mapping[str, str]]) -> Iterator[tuple[str, str, str]]:
    for state, entries in states.items():
        worded = entries if isinstance(entries, Mapping) else dict.fromkeys(entries, "")
        yield from ((name, state, words) for name, words in worded.items() if STATES[state])


def named(section: str, state: str) -> list[str]:
    """The names in one state of one section."""
    return [row.name for row in rows() if (row.section, row.state) == (section, state)]


@dataclass(frozen=True)
class Showing:
    """A test and the mark `shows(section, *names)` or `shows(section, every=state)` on it."""

    test: ast.FunctionDef
    file: str
    section: str
    names: tuple[str, ...]
    every: str | None

    @property
    def shown(self) -> list[str]:
        """The names that it says it shows."""
        return named(self.section, self.every) if self.every else [*self.names]


def showings() -> list[Showing]:
    """Every mark of this folder's tests."""
    files = sorted(HERE.glob("test_*.py"))
    return [each for path in files for each in _showings(path.name, ast.parse(path.read_text()))]


def _showings(file: str, tree: ast.AST) -> Iterator[Showing]:
    for test in ast.walk(tree):
        if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
            for mark in test.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.shows":
                    section, *names = map(ast.literal_eval, mark.args)
                    every = next((ast.literal_eval(word.value) for word in mark.keywords), None)
                    yield Showing(test, file, section, tuple(names), every)


def shown_by() -> Mapping[tuple[str, str], list[str]]:
    """The tests by section and name, each as file::test."""
    found: dict[tuple[str, str], list[str]] = {}
    for each in showings():
        for name in each.shown:
            found.setdefault((each.section, name), []).append(f"{each.file}::{each.test.name}")
    return found


def tables() -> str:
    """All tables in Markdown. Under each stand its tests, by the numbers that the rows have."""
    tests, places = shown_by(), _places()
    all_rows = sorted(rows(), key=lambda row: places.get((row.section, row.name), len(places)))
    told = [f"Read from `openai` {VERSION}. The tests are in tests/compatibility/.", ""]
    for title, sections in TABLES.items():
        told += [f"## {title}", ""]
        for section in sections:
            told += [f"### {section}", "", *_table([row for row in all_rows if row.section == section], tests), ""]
    return "\n".join(told)


def _places() -> Mapping[tuple[str, str], int]:
    """The place of each name among all that are published."""
    names = [(section, name) for section, names in published().items() for name in names]
    return {name: at for at, name in enumerate(names)}


def _table(rows: list[Row], tests: Mapping[tuple[str, str], list[str]]) -> Iterator[str]:
    numbers: dict[str, int] = {}
    yield from ("| name | here | | shown by |", "|---|---|---|---|")
    for row in rows:
        shown = [numbers.setdefault(test, len(numbers) + 1) for test in tests.get((row.section, row.name), [])]
        yield f"| `{row.name}` | {STATES[row.state]} | {row.words} | {', '.join(map(str, shown))} |"
    yield ""
    yield from (f"{number}. `{test}`" for test, number in numbers.items())


def written(document: str) -> str:
    """The document with its tables made anew."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables()}\n{END}{after}"
