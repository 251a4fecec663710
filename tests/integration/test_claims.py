"""The promises of the Claims port, kept by the fake and by the adapter alike; then what only S3 can do to us."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from urllib3.exceptions import HTTPError

from reelay import documents
from reelay.claims import TAKES, S3Claims
from reelay.conditional import WRITES
from reelay.errors import StoreFailed
from reelay.ids import new_core
from reelay.model import Claim
from reelay.s3_failures import ATTEMPTS
from reelay.s3_rest import Attempt, Received
from reelay.wiring import bucket_of
from tests.fakes import NOON, TENANT, FakeClaims
from tests.integration.store import conftest as s3_tests
from tests.integration.store.place import OTHER, REAL_S3, Place, free_ports
from tests.s3_tap import at_once, count_calls, inject, loses, refuses, unheard

if TYPE_CHECKING:
    from reelay.ports import Claims

moto, weed, seaweedfs, place = s3_tests.moto, s3_tests.weed, s3_tests.seaweedfs, s3_tests.place

KEY = "order-7"
HOSTILE = [
    "",
    "\0",
    "x" * 10_000,
    "x" * 10_001,
    "../../records/x",
    f"../../{OTHER}/claims/x",
    "/",
    "a/b",
    "a%2fb",
    "a\r\nIf-Match: *",
    "e\u0301",
    "\u00e9",
    "🐕",
    "\ud83d",
    "\ud83e",
    "\ud83d\udc15",
    '{"core":"mine"}',
]
RACERS = 16
SWITCH_SECONDS = 1e-6
UNDECIDED = refuses(409, "ConditionalRequestConflict")


def new_claim(name: str = KEY, **fields: Any) -> Claim:
    """A claim as it is made for one more request."""
    return replace(Claim(name, new_core(NOON), "ab" * 32, int(NOON)), **fields)


def claims_in(place: Place) -> S3Claims:
    return S3Claims(place.objects)


@pytest.fixture
def claims(request: pytest.FixtureRequest) -> Claims:
    """The claims that the test is parametrised with, none taken."""
    if request.param == "fake":
        return FakeClaims()
    return claims_in(request.getfixturevalue(request.param))


@pytest.fixture
def switch_often() -> Iterator[None]:
    """Threads switched so often that a gap between a check and its write shows."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    yield
    sys.setswitchinterval(usual)


def race(ask: Callable[[Claim], Claim]) -> Claim:
    """The one claim that every racer, each with its own, was told of in all it holds."""
    start = threading.Barrier(RACERS)

    def run(number: int) -> tuple[Claim, Claim]:
        ours = new_claim(fingerprint=f"{number:064x}", at=int(NOON) + number, retry=number % 2 == 1)
        start.wait()
        return ours, ask(ours)

    with ThreadPoolExecutor(RACERS) as pool:
        outcomes = list(pool.map(run, range(RACERS)))
    ((_, told),) = {(held.version, held) for _, held in outcomes}
    assert [ours for ours, held in outcomes if ours.core == held.core] == [told]
    return told


@pytest.mark.parametrize("claims", ["fake", *REAL_S3], indirect=True)
class TestPromises:
    @pytest.mark.parametrize("retry", [False, True])
    def test_a_free_name_is_taken(self, claims: Claims, retry: bool) -> None:
        ours = new_claim(retry=retry)
        taken = claims.take(TENANT, ours)
        assert taken == ours
        assert taken.version != ""

    @pytest.mark.parametrize("retry", [False, True])
    def test_whoever_comes_later_is_told_who_was_first(self, claims: Claims, retry: bool) -> None:
        first = claims.take(TENANT, new_claim(retry=retry))
        for _ in range(2):
            held = claims.take(TENANT, new_claim(fingerprint="cd" * 32, at=7, retry=not retry))
            assert (held, held.version) == (first, first.version)

    def test_whoever_asks_again_is_told_that_it_was_first(self, claims: Claims) -> None:
        first = claims.take(TENANT, new_claim())
        again = claims.take(TENANT, first)
        assert (again, again.version) == (first, first.version)

    def test_a_name_is_the_tenants_own(self, claims: Claims) -> None:
        theirs = claims.take(OTHER, new_claim())
        ours = new_claim()
        assert claims.take(TENANT, ours) == ours
        assert claims.take(OTHER, ours) == theirs

    def test_whatever_a_name_holds_it_is_a_name_of_its_own(self, claims: Claims) -> None:
        first = [claims.take(TENANT, new_claim(name)) for name in HOSTILE]
        assert [claims.take(TENANT, new_claim(name)) for name in HOSTILE] == first
        assert [held.name for held in first] == HOSTILE
        assert len({held.core for held in first}) == len(HOSTILE)

    def test_a_claim_is_put_in_the_place_of_another(self, claims: Claims) -> None:
        first = claims.take(TENANT, new_claim())
        ours = new_claim(fingerprint="cd" * 32, at=first.at + 1, retry=True)
        held = claims.replace(TENANT, first, ours)
        assert held == ours
        assert held.version not in {"", first.version}
        later = claims.take(TENANT, new_claim())
        assert (later, later.version) == (held, held.version)

    def test_a_claim_that_was_told_of_is_replaced_as_one_that_was_taken(self, claims: Claims) -> None:
        claims.take(TENANT, new_claim())
        for _ in range(3):
            ours = new_claim()
            assert claims.replace(TENANT, claims.take(TENANT, ours), ours) == ours

    def test_whoever_was_overtaken_is_told_who_holds_and_changes_nothing(self, claims: Claims) -> None:
        first = claims.take(TENANT, new_claim())
        second = claims.replace(TENANT, first, new_claim())
        for held in (claims.replace(TENANT, first, new_claim()), claims.take(TENANT, new_claim())):
            assert (held, held.version) == (second, second.version)

    def test_a_claim_replaced_by_its_equal_is_another_revision(self, claims: Claims) -> None:
        first = claims.take(TENANT, new_claim())
        second = claims.replace(TENANT, first, first)
        assert second == first
        assert claims.replace(TENANT, first, new_claim()).version == second.version != first.version

    def test_what_was_never_stored_is_not_replaced(self, claims: Claims) -> None:
        first = claims.take(TENANT, new_claim())
        with pytest.raises(ValueError, match=r"taken or read|never stored"):
            claims.replace(TENANT, new_claim(), new_claim())
        assert claims.take(TENANT, new_claim()) == first

    @pytest.mark.usefixtures("switch_often")
    def test_of_many_takers_one_wins_and_all_are_told_of_it(self, claims: Claims) -> None:
        winner = race(lambda ours: claims.take(TENANT, ours))
        assert claims.take(TENANT, new_claim()) == winner

    @pytest.mark.usefixtures("switch_often")
    def test_of_many_who_replace_one_wins_and_all_are_told_of_it(self, claims: Claims) -> None:
        first = claims.take(TENANT, new_claim())
        winner = race(lambda ours: claims.replace(TENANT, first, ours))
        assert claims.take(TENANT, new_claim()) == winner != first


@pytest.mark.parametrize("place", REAL_S3, indirect=True)
class TestExpiry:
    """What a lifecycle rule does: the object goes, and nobody is asked."""

    def expire(self, place: Place) -> Claim:
        claim = claims_in(place).take(TENANT, new_claim())
        place.client.delete_object(Bucket=place.bucket, Key=documents.claim_key(TENANT, KEY))
        return claim

    def test_a_name_whose_claim_expired_is_free(self, place: Place) -> None:
        self.expire(place)
        ours = new_claim()
        assert claims_in(place).take(TENANT, ours) == ours

    def test_what_expired_before_it_was_replaced_is_taken(self, place: Place) -> None:
        gone, ours = self.expire(place), new_claim()
        held = claims_in(place).replace(TENANT, gone, ours)
        assert held == ours
        assert claims_in(place).replace(TENANT, held, new_claim()).core != ours.core

    def test_who_took_the_name_since_it_expired_keeps_it(self, place: Place) -> None:
        gone = self.expire(place)
        rival = claims_in(place).take(TENANT, new_claim())
        assert claims_in(place).replace(TENANT, gone, new_claim()) == rival

    @pytest.mark.usefixtures("switch_often")
    def test_of_many_who_replace_what_expired_one_wins(self, place: Place) -> None:
        gone = self.expire(place)
        winner = race(lambda ours: claims_in(place).replace(TENANT, gone, ours))
        assert claims_in(place).take(TENANT, new_claim()) == winner


class TestFaults:
    def test_a_taker_whose_answer_was_lost_knows_that_it_was_first(self, moto: Place) -> None:
        attempts = inject(moto.objects, "PutObject", loses)
        ours = new_claim()
        held = claims_in(moto).take(TENANT, ours)
        assert held == ours
        assert len(attempts) == 2
        assert claims_in(moto).replace(TENANT, held, new_claim()).core != ours.core, "its version is the stored one"

    def test_a_replacer_whose_answer_was_lost_knows_that_it_won(self, moto: Place) -> None:
        first, ours = claims_in(moto).take(TENANT, new_claim()), new_claim()
        attempts = inject(moto.objects, "PutObject", loses)
        held = claims_in(moto).replace(TENANT, first, ours)
        assert held == ours
        assert len(attempts) == 2
        assert claims_in(moto).replace(TENANT, held, new_claim()).core != ours.core, "its version is the stored one"

    def test_a_taker_overtaken_while_its_answer_was_lost_is_told_by_whom(self, moto: Place) -> None:
        rival = new_claim()

        def loses_and_is_overtaken(attempt: Attempt) -> Received:
            with suppress(HTTPError):
                loses(attempt)
            other = S3Claims(bucket_of(moto.bucket))
            other.replace(TENANT, other.take(TENANT, rival), rival)
            return unheard(attempt)

        inject(moto.objects, "PutObject", loses_and_is_overtaken)
        assert claims_in(moto).take(TENANT, new_claim()) == rival

    @pytest.mark.parametrize("times", [1, WRITES - 1])
    def test_a_write_that_s3_left_undecided_is_tried_again(self, moto: Place, times: int) -> None:
        attempts = inject(moto.objects, "PutObject", *[UNDECIDED] * times)
        first, ours = new_claim(), new_claim()
        held = claims_in(moto).take(TENANT, first)
        assert held == first
        assert len(attempts) == times + 1
        inject(moto.objects, "PutObject", *[UNDECIDED] * times)
        assert claims_in(moto).replace(TENANT, held, ours) == ours
        assert claims_in(moto).take(TENANT, new_claim()) == ours

    def test_a_rival_that_won_while_s3_was_undecided_is_told_of(self, moto: Place) -> None:
        rival = new_claim()

        def is_beaten(attempt: Attempt) -> Received | None:
            S3Claims(bucket_of(moto.bucket)).take(TENANT, rival)
            return UNDECIDED(attempt)

        inject(moto.objects, "PutObject", is_beaten)
        assert claims_in(moto).take(TENANT, new_claim()) == rival

    def test_a_write_that_stays_undecided_is_given_up(self, moto: Place) -> None:
        first = claims_in(moto).take(TENANT, new_claim())
        attempts = inject(moto.objects, "PutObject", *[UNDECIDED] * 2 * WRITES)
        with pytest.raises(StoreFailed):
            claims_in(moto).take(TENANT, new_claim("order-8"))
        with pytest.raises(StoreFailed):
            claims_in(moto).replace(TENANT, first, new_claim())
        assert len(attempts) == 2 * WRITES
        assert moto.listing("claims/") == [documents.claim_key(TENANT, KEY)]
        assert claims_in(moto).take(TENANT, new_claim()) == first

    def test_a_store_that_is_busy_twice_is_asked_a_third_time(self, moto: Place) -> None:
        attempts = inject(moto.objects, "PutObject", refuses(503, "SlowDown"), refuses(503, "SlowDown"))
        ours = new_claim()
        assert claims_in(moto).take(TENANT, ours) == ours
        assert len(attempts) == ATTEMPTS

    def test_a_claim_that_expires_while_it_is_in_the_way_is_replaced(self, moto: Place) -> None:
        inject(moto.objects, "PutObject", refuses(412, "PreconditionFailed"))
        ours = new_claim()
        assert claims_in(moto).take(TENANT, ours) == ours

    def test_a_claim_that_is_always_in_the_way_and_never_there_is_given_up(self, moto: Place) -> None:
        attempts = inject(moto.objects, "PutObject", *[refuses(412, "PreconditionFailed")] * 9)
        with pytest.raises(StoreFailed, match="VanishingClaim"):
            claims_in(moto).take(TENANT, new_claim())
        assert len(attempts) == TAKES

    @pytest.mark.usefixtures("aws_environment")
    def test_a_store_that_is_down_takes_nothing(self, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_ports(1)[0]}")
        claims = S3Claims(at_once(bucket_of(bucket)))
        held = new_claim(version='"tag"')
        with pytest.raises(StoreFailed, match="NewConnectionError"):
            claims.take(TENANT, new_claim())
        with pytest.raises(StoreFailed, match="NewConnectionError"):
            claims.replace(TENANT, held, new_claim())

    @pytest.mark.parametrize("operation", ["PutObject", "GetObject"])
    def test_every_call_that_s3_refuses_says_that_the_store_failed(self, moto: Place, operation: str) -> None:
        first = claims_in(moto).take(TENANT, new_claim())
        claims_in(moto).replace(TENANT, first, new_claim())
        inject(moto.objects, operation, *[refuses(403, "AccessDenied")] * 2)
        with pytest.raises(StoreFailed, match="AccessDenied"):
            claims_in(moto).take(TENANT, new_claim())
        with pytest.raises(StoreFailed, match="AccessDenied"):
            claims_in(moto).replace(TENANT, first, new_claim())

    @pytest.mark.parametrize(
        "damage",
        [
            lambda _: b"",
            lambda _: b"[" * 100_000,
            lambda _: b"[]",
            lambda _: b"\xff",
            lambda body: json.dumps({**body, "schema": 2}).encode(),
            lambda body: json.dumps({**body, "name_sha256": "00" * 32}).encode(),
            lambda body: json.dumps({**body, "core": None}).encode(),
            lambda body: json.dumps({**body, "at": "noon"}).encode(),
            lambda body: json.dumps({name: value for name, value in body.items() if name != "fingerprint"}).encode(),
        ],
    )
    def test_a_document_that_is_not_this_names_claim_fails_loudly(
        self, moto: Place, damage: Callable[[dict[str, Any]], bytes]
    ) -> None:
        claims_in(moto).take(TENANT, new_claim())
        key = documents.claim_key(TENANT, KEY)
        damaged = damage(json.loads(moto.read(key)))
        moto.client.put_object(Bucket=moto.bucket, Key=key, Body=damaged)
        with pytest.raises(StoreFailed, match="UnreadableRecord"):
            claims_in(moto).take(TENANT, new_claim())
        assert moto.read(key) == damaged

    def test_a_field_of_a_later_version_is_left_out(self, moto: Place) -> None:
        first = claims_in(moto).take(TENANT, new_claim())
        key = documents.claim_key(TENANT, KEY)
        later = json.dumps({**json.loads(moto.read(key)), "mood": "sunny"})
        moto.client.put_object(Bucket=moto.bucket, Key=key, Body=later.encode())
        assert claims_in(moto).take(TENANT, new_claim()) == first


class TestCost:
    def test_a_write_that_wins_costs_one_call_and_one_that_loses_two(self, moto: Place) -> None:
        calls = count_calls(moto.objects)
        first = claims_in(moto).take(TENANT, new_claim())
        assert calls == ["PutObject"]
        claims_in(moto).take(TENANT, new_claim())
        assert calls[1:] == ["PutObject", "GetObject"]
        claims_in(moto).replace(TENANT, first, new_claim())
        assert calls[3:] == ["PutObject"]
        claims_in(moto).replace(TENANT, first, new_claim())
        assert calls[4:] == ["PutObject", "GetObject"]


class TestLayout:
    def test_nothing_of_a_name_is_kept(self, moto: Place) -> None:
        claims_in(moto).take(TENANT, new_claim("sk-secret@example.test"))
        (key,) = moto.listing("claims/")
        assert key == documents.claim_key(TENANT, "sk-secret@example.test")
        kept = moto.read(key)
        assert b"secret" not in kept
        assert json.loads(kept)["name_sha256"] == documents.name_digest("sk-secret@example.test")
        head = moto.client.head_object(Bucket=moto.bucket, Key=key)
        assert head["ContentType"] == "application/json"
        assert "secret" not in json.dumps(head, default=str)
