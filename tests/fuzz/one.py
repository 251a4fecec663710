"""`python -m tests.fuzz.one <target> <libFuzzer's options>`: one target under atheris, for `guided` to start."""

from __future__ import annotations

import sys

import atheris  # type: ignore[import-untyped]  # it ships no types, and lives in .venv-fuzz alone

with atheris.instrument_imports(include=["reelay", "dev.gateway"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Never returns: libFuzzer ends the process, with another status than 0 when it found something."""
    name, *options = sys.argv[1:]
    atheris.Setup([sys.argv[0], *options], TARGETS[name].run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
