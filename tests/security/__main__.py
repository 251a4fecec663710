"""Writes the tables of docs/SECURITY.md: `make docs`."""

from tests.security.catalogue import TABLE, written

TABLE.write_text(written(TABLE.read_text()))
