"""What one key made is nobody else's: by its id, by ids near it, by ids that are paths, by cursors and by names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from dev.simulator import Simulator
from reelay.identity import tenant_of
from reelay.s3 import s3_client
from reelay.s3_rest import Attempt, Carry, Received
from tests.e2e.event_house import EventHouse
from tests.e2e.local_house import LocalHouse
from tests.fakes import FakeClock
from tests.s3_tap import tap_house
from tests.security.callers import ASK, CHAT, FILM, call, everything, made

OPERATIONS: list[tuple[str, str, Any]] = [
    ("GET", f"{CHAT}/%s", None),
    ("POST", f"{CHAT}/%s", {"metadata": {"stolen": "yes"}}),
    ("DELETE", f"{CHAT}/%s", None),
    ("GET", f"{CHAT}/%s/messages", None),
    ("GET", f"{FILM}/%s", None),
    ("DELETE", f"{FILM}/%s", None),
    ("GET", f"{FILM}/%s/content", None),
    ("POST", f"{FILM}/%s/remix", {"prompt": "a cat"}),
]
"""All that take an id."""

PAIRS = [
    ("sk-victim-0123456789", "sk-attacker-0123456789"),
    ("rk-victim-0123456789abc", "rk-attacker-0123456789abc"),
    ("rk-victim-0123456789abc", "sk-attacker-0123456789"),
]
VICTIM, ATTACKER = PAIRS[0]
NEVER = "chatcmpl-01k9zzzzzzzzzzzzzzzzzzzzzz"
CORE_CHARACTERS, RANDOM_CHARACTERS = 26, 16
"""Of five bits each: the ten before the random ones are the time."""

every_pair = pytest.mark.parametrize(("victim", "attacker"), PAIRS)


@contextmanager
def asked_of_s3(house: LocalHouse) -> Iterator[list[str]]:
    """Every key and prefix that the doors ask S3 for."""
    seen: list[str] = []

    def note(attempt: Attempt, carry: Carry) -> Received:
        asked = urlsplit(attempt.url)
        key = unquote(asked.path).removeprefix(f"/{house.bucket}").removeprefix("/")
        seen.extend([key] if key else [])
        query = parse_qs(asked.query)
        seen.extend(value for name in ("prefix", "start-after") for value in query.get(name, ()))
        if attempt.operation == "DeleteObjects" and isinstance(attempt.body, bytes):
            seen.extend(re.findall("<Key>(.*?)</Key>", attempt.body.decode()))
        return carry(attempt)

    tap_house(house.house, note)
    yield seen


def odd(id: str) -> list[str]:
    """What may stand in a path between two slashes and is no id, or not quite the one that it is made of."""
    core = id.removeprefix("chatcmpl-")
    home = f"{tenant_of(VICTIM)}%2F{core}"
    return [
        "..", "%2e%2e", "%252e%252e", f"%2e%2e%2f{id}", f"..%2F..%2F{home}", f"%2Fkept%2Frecords%2F{home}", home,
        f"chatcmpl-..%2F{home}", f"{id}%2F..", f"{id}%2fcontent", f"{id}%5c..", f"..%5c{id}", "..\\x", "%2F", "%",
        "%00", "\0", f"{id}%00", f"{id}\0", f"%00{id}", f"{id}%00.json", f"{id}\n", f"{id}%0a", f"{id}%0d%0aX:%201",
        f"{id}%20", f"%20{id}", f"{id};x=1", f"{id}%3Fx", f"{id}%23", f"{id}.json", f"{id}*", "*", "%ff%fe", "{}",
        f"CHATCMPL-{core}", f"chatcmpl-{core.upper()}", core, f"chatcmpl-chatcmpl-{core}", f"video_chatcmpl-{core}",
        f"chatcmpl-{'%D9%A1' * 26}", f"chatcmpl-{'%EF%BC%91' * 26}", f"chatcmpl-0{'%C4%B1' * 25}", "進行", "a" * 10_000,
        id + "a" * 10_000, "%2e%2e%2f" * 1_000,
    ]  # fmt: skip


@pytest.mark.case("other-tenant")
@every_pair
def test_no_operation_shows_or_changes_what_another_key_made(events: EventHouse, victim: str, attacker: str) -> None:
    theirs = made(events, victim, metadata={"own": "yes"})
    before, posts = everything(events), events.simulator.posts
    for method, path, body in OPERATIONS:
        never = call(events, method, path % NEVER, attacker, body)
        for name in (theirs, theirs.replace("chatcmpl-", "video_")):
            reply = call(events, method, path % name, attacker, body)
            assert (reply.status, reply.body) == (404, never.body)
    for path in (CHAT, FILM):
        assert call(events, "GET", path, attacker, query={"metadata[own]": "yes"}).json["data"] == []
    assert (everything(events), events.simulator.posts, events.jobs()) == (before, posts, [])
    assert call(events, "GET", f"{FILM}/{theirs}/content", victim).status == 302


@pytest.mark.case("guessed-id")
def test_ids_of_one_moment_have_nothing_in_common_but_the_moment(
    simulator: Simulator,
    bucket: str,
    aws_environment: None,  # noqa: ARG001 - sets where S3 is
) -> None:
    house = LocalHouse(simulator, s3_client(), bucket, FakeClock())
    ids = [made(house, VICTIM, model="sim-text") for _ in range(8)]
    assert len({each[:-RANDOM_CHARACTERS] for each in ids}) == 1
    assert all(len(set(column)) > 1 for column in zip(*(each[-RANDOM_CHARACTERS:] for each in ids), strict=True))


@pytest.mark.case("guessed-id")
def test_the_neighbours_of_an_id_are_nobodys(house: LocalHouse) -> None:
    theirs = made(house, VICTIM, model="sim-text")
    before = everything(house)
    swaps = [
        theirs[:at] + ("0" if theirs[at] != "0" else "1") + theirs[at + 1 :]
        for at in range(len("chatcmpl-"), len(theirs))
    ]
    moment = theirs[:-RANDOM_CHARACTERS]
    for guess in [*swaps, *(moment + each * RANDOM_CHARACTERS for each in "07z")]:
        for key in (VICTIM, ATTACKER):
            assert call(house, "GET", f"{CHAT}/{guess}", key).status == 404
            assert call(house, "DELETE", f"{CHAT}/{guess}", key).status == 404
    assert everything(house) == before


@pytest.mark.case("guessed-id")
@every_pair
@pytest.mark.parametrize("name", [{"Idempotency-Key": "order-7"}, {"X-Stainless-Retry-Count": "1"}])
def test_another_keys_names_for_requests_lead_nowhere(
    events: EventHouse, victim: str, attacker: str, name: dict[str, str]
) -> None:
    ask = {**ASK, "model": "sim-text"}
    first = call(events, "POST", CHAT, victim, ask, **name)
    other = {**ask, "temperature": 1} if "Idempotency-Key" in name else ask
    stranger = call(events, "POST", CHAT, attacker, other, **name)
    assert (first.status, stranger.status, events.simulator.posts) == (200, 200, 2)
    assert "x-reelay-replayed" not in stranger.headers
    assert stranger.frames[0]["id"] != first.frames[0]["id"]


@pytest.mark.case("path-trick")
@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
def test_an_id_that_is_a_path_is_the_same_404_and_asks_s3_for_nothing(
    house: LocalHouse, method: str, path: str, body: Any
) -> None:
    theirs = made(house, VICTIM, model="sim-text")
    before, posts = everything(house), house.simulator.posts
    never = call(house, method, path % NEVER, ATTACKER, body)
    with asked_of_s3(house) as seen:
        for key in (VICTIM, ATTACKER):
            for name in odd(theirs):
                reply = call(house, method, path.replace("%s", name), key, body)
                assert (reply.status, reply.body) == (404, never.body), name[:80]
        assert seen == []
        call(house, method, path % theirs, ATTACKER, body)
        assert seen
        assert all(tenant_of(ATTACKER) in key for key in seen)
    assert (everything(house), house.simulator.posts) == (before, posts)


@pytest.mark.case("cursor-trick")
@pytest.mark.parametrize("path", [CHAT, FILM])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_cursor_never_leads_out_of_the_tenant(house: LocalHouse, path: str, order: str) -> None:
    older, theirs, newer = (made(house, key)[-CORE_CHARACTERS:] for key in (ATTACKER, VICTIM, ATTACKER))
    shown: set[str] = set()
    for core in (theirs, "0" * CORE_CHARACTERS, "7" + "z" * 25):
        with asked_of_s3(house) as seen:
            for after in (f"chatcmpl-{core}", f"video_{core}"):
                page = call(house, "GET", path, ATTACKER, query={"after": after, "order": order}).json
                shown |= {each["id"][-CORE_CHARACTERS:] for each in page["data"]}
        assert seen
        assert all(tenant_of(ATTACKER) in key for key in seen)
    with asked_of_s3(house) as seen:
        for after in [*odd(f"chatcmpl-{theirs}"), ""]:
            reply = call(house, "GET", path, ATTACKER, query={"after": after, "order": order})
            assert (reply.status, reply.error["param"]) == (400, "after")
    assert (seen, shown) == ([], {older, newer})


@pytest.mark.case("cursor-trick")
def test_a_page_has_a_size_that_is_one_and_messages_are_behind_one_of_their_own(house: LocalHouse) -> None:
    own, theirs = made(house, ATTACKER, model="sim-text"), made(house, VICTIM, model="sim-text")
    messages = f"{CHAT}/{own}/messages"
    for path in (CHAT, FILM, messages):
        for limit in ("0", "-1", "1e9", "1000000000", "x", ""):
            reply = call(house, "GET", path, ATTACKER, query={"limit": limit})
            assert (reply.status, reply.error["param"]) == (400, "limit")
    for after in (f"{theirs}-0", f"{own}-1", own, f"{own}-\N{ARABIC-INDIC DIGIT ZERO}", "../0"):
        reply = call(house, "GET", messages, ATTACKER, query={"after": after})
        assert (reply.status, reply.error["param"]) == (400, "after")
    assert call(house, "GET", f"{CHAT}/{theirs}/messages", ATTACKER, query={"after": f"{theirs}-0"}).status == 404
