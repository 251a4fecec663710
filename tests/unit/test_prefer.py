"""The Prefer header, as callers write it and as they get it wrong."""

from __future__ import annotations

import pytest

from reelay.prefer import MAX_WAIT_SECONDS, Preference, preference

NOTHING = Preference()


@pytest.mark.parametrize(
    ("header", "wish"),
    [
        (None, NOTHING),
        ("", NOTHING),
        ("respond-async", Preference(respond_async=True)),
        ("Respond-Async", Preference(respond_async=True)),
        ("respond-async, wait=10", Preference(respond_async=True, wait=10)),
        ("wait=10,respond-async", Preference(respond_async=True, wait=10)),
        ('respond-async, wait = "10"', Preference(respond_async=True, wait=10)),
        ("respond-async; foo=bar, wait=10", Preference(respond_async=True, wait=10)),
        ("wait=5, wait=9, respond-async", Preference(respond_async=True, wait=5)),
        ("respond-async, wait=999999999", Preference(respond_async=True, wait=MAX_WAIT_SECONDS)),
        ("respond-async, wait=-1", Preference(respond_async=True)),
        ("respond-async, wait=soon", Preference(respond_async=True)),
        ("wait=10", NOTHING),
        ("return=minimal, handling=lenient", NOTHING),
        (",,, ;;; ===", NOTHING),
    ],
)
def test_a_preference_is_read_and_never_an_error(header: str | None, wish: Preference) -> None:
    assert preference(header) == wish
