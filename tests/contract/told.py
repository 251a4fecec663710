"""What the house tells its operator, read out of its source: every log line with its fields, every metric."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal, cast

from tests.contract.cloud import ROOT

HOUSE = ROOT / "layers/core/reelay"
Kind = Literal["count", "note", "alarm"]


@dataclass(frozen=True, slots=True)
class Telling:
    """One thing that is told at one place: a metric (count), a line at level INFO (note) or ERROR (alarm). `fields` are
    the line's own; `unit` is the metric's."""

    kind: Kind
    name: str
    module: str
    fields: frozenset[str] = frozenset()
    unit: str = "Count"


@cache
def tellings() -> tuple[Telling, ...]:
    """All of them. Raises ValueError where a name cannot be read out of the source: then no document can hold it."""
    return tuple(
        telling
        for file in sorted(HOUSE.glob("*.py"))
        for telling in _in(file.stem, ast.parse(file.read_text(encoding="utf-8")))
    )


def metrics() -> set[str]:
    return {telling.name for telling in tellings() if telling.kind == "count"}


def _in(module: str, tree: ast.Module) -> Iterator[Telling]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _of_telemetry(node.func)):
            continue
        fields = frozenset(keyword.arg or "**" for keyword in node.keywords)
        unit = _constant(node.args[2]) if len(node.args) > 2 else "Count"
        for name in _names(node.args[0], tree):
            yield Telling(cast(Kind, node.func.attr), name, module, fields, unit)


def _of_telemetry(called: ast.Attribute) -> bool:
    owner = called.value
    named = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
    return called.attr in ("count", "note", "alarm") and named.strip("_") in ("telemetry", "told")


def _constant(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise ValueError(f"line {node.lineno}: what is told here is no plain text")


def _names(node: ast.expr, tree: ast.Module) -> list[str]:
    """The texts that an expression may stand for: itself, either side of a choice, or what a parameter is given."""
    if isinstance(node, ast.IfExp):
        return [*_names(node.body, tree), *_names(node.orelse, tree)]
    if isinstance(node, ast.Name):
        found = [name for function in _taking(node.id, tree) for name in _given(function, node.id, tree)]
        if found:
            return sorted(set(found))
    return [_constant(node)]


def _taking(parameter: str, tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and parameter in [each.arg for each in node.args.args]:
            yield node


def _given(function: ast.FunctionDef, parameter: str, tree: ast.Module) -> Iterator[str]:
    """What a function of this module is called with for that parameter; what it hands on itself counts elsewhere."""
    place = [each.arg for each in function.args.args if each.arg != "self"].index(parameter)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == function.name:
            given = node.args[place]
            if not (isinstance(given, ast.Name) and given.id == parameter):
                yield _constant(given)
