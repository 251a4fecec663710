"""Writes the tables of docs/COMPATIBILITY.md: `make docs`."""

from tests.compatibility.catalogue import DOCUMENT, written

DOCUMENT.write_text(written(DOCUMENT.read_text()))
