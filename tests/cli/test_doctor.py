"""The doctor, before relays that have something wrong with them."""

from __future__ import annotations

import pytest

from tests.cli.asking import Person
from tests.cli.relays import EMPTY, contract, error
from tests.integration.fault_server import FaultServer, Script, http, replies

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")  # ours goes on


def test_all_is_well(person: Person) -> None:
    told = person.asks("doctor")
    assert (told.code, [line.split()[:2] for line in told.out.splitlines()]) == (
        0,
        [["ok", each] for each in ("address", "relay", "version", "clock", "key")],
    )


@pytest.mark.parametrize(
    ("url", "code", "wrong"), [("http://example.com", 2, "address"), ("http://127.0.0.1:9", 5, "relay")]
)
def test_what_depends_on_what_is_wrong_is_not_tried(url: str, code: int, wrong: str) -> None:
    told = Person(url).asks("doctor")
    assert (told.code, [line for line in told.out.splitlines() if line.startswith("ok")][1:]) == (code, [])
    assert f"WRONG {wrong}" in told.out


@pytest.mark.parametrize(
    ("published", "listed", "code", "wrong", "says"),
    [
        (contract("0.1.9"), EMPTY, 0, [], ""),
        (contract("0.2.0"), EMPTY, 1, ["version"], "0.2.0"),
        (contract(title="Pets"), EMPTY, 5, ["version"], "not a Reelay relay"),
        (contract(ahead=-3600), EMPTY, 1, ["clock"], "s ahead of"),
        (contract(ahead=3600), EMPTY, 1, ["clock"], "s behind the"),
        (contract(), error("401 Unauthorized", "invalid_api_key"), 3, ["key"], "REELAY_API_KEY"),
        (replies(http("200 OK", b"<html></html>")), EMPTY, 5, ["relay"], "ApiUrl"),
        (replies(http("404 Not Found")), EMPTY, 5, ["relay"], "ApiUrl"),
    ],
)
def test_the_doctor_finds_what_is_wrong(
    published: Script, listed: bytes, code: int, wrong: list[str], says: str
) -> None:
    with FaultServer(published, replies(listed)) as relay:
        told = Person(relay.url).asks("doctor", "--json")
    checks = told.json["checks"]
    assert (told.code, [each["check"] for each in checks if not each["ok"]]) == (code, wrong)
    assert told.json["ok"] is (code == 0)
    assert says in " ".join(f"{each['message']} {each['next']}" for each in checks if not each["ok"])
    assert b"sk-person" not in relay.posts[0]  # the contract is for everybody
