"""The objects of one bucket, in both stand-ins for S3; then what only S3's XML can do to us."""

from __future__ import annotations

import io
import json
import random
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote_plus
from xml.etree.ElementTree import fromstring

import pytest
import urllib3

from reelay import aws_environment
from reelay.aws_environment import AwsEnvironment
from reelay.bucket import BYTES, Bucket, Listed
from reelay.errors import Conflict, NotFound, StoreFailed
from reelay.later import LateCredentials
from reelay.s3_failures import ATTEMPTS
from reelay.s3_place import place_of
from reelay.s3_rest import Attempt, Received, S3Rest
from reelay.sigv4 import Credentials
from reelay.store import DELETE_KEYS
from reelay.wiring import bucket_of
from tests.integration.fault_server import FaultServer, http, replies
from tests.integration.s3_rest.place import answering
from tests.integration.store.conftest import moto, place, seaweedfs, weed
from tests.integration.store.place import REAL_S3, Place
from tests.patience import PATIENCE_SECONDS
from tests.s3_tap import answers, at_once, inject

__all__ = ["moto", "place", "seaweedfs", "weed"]  # fixtures

NEW = {"If-None-Match": "*"}
ODD = ["a b", "a+b", "a%2Bb", "100%", "a&b<c>\"d'e", "ä€🎬", "~tilde", "x=1?y#z", "semi;colon,comma:at@$!()*", "a.b..c"]

real = pytest.mark.parametrize("place", REAL_S3, indirect=True)


# -- objects -----------------------------------------------------------------------------------------------------------


@real
def test_one_creator_wins_and_one_writer_for_each_revision(place: Place) -> None:
    objects = place.objects
    first = objects.put("k", b"one", BYTES, NEW)
    with pytest.raises(Conflict):
        objects.put("k", b"two", BYTES, NEW)
    second = objects.put("k", b"two", BYTES, {"If-Match": first})
    with pytest.raises(Conflict):
        objects.put("k", b"three", BYTES, {"If-Match": first})
    assert objects.get("k") == (b"two", second)
    assert objects.get_tagged("k", second, 3) == b"two"
    with pytest.raises(Conflict):
        objects.get_tagged("k", first, 3)
    objects.delete("k")
    with pytest.raises((NotFound, Conflict)):  # S3 and moto say 404, SeaweedFS 412
        objects.put("k", b"four", BYTES, {"If-Match": second})
    with pytest.raises(NotFound):
        objects.get("k")


@real
def test_what_is_absent_is_deleted_without_a_word(place: Place) -> None:
    place.objects.delete("absent")
    place.objects.delete_all(["absent", "absent too"])


@real
@pytest.mark.parametrize("key", ODD)
def test_an_odd_key_names_the_same_object_for_boto3(place: Place, key: str) -> None:
    place.objects.put(f"odd/{key}", b"ours", BYTES)
    assert place.read(f"odd/{key}") == b"ours"
    place.client.put_object(Bucket=place.bucket, Key=f"odd/{key}", Body=b"theirs")
    assert place.objects.get(f"odd/{key}")[0] == b"theirs"
    place.objects.delete(f"odd/{key}")
    assert place.listing("odd/") == []


@real
def test_a_file_is_written_from_its_beginning(place: Place) -> None:
    file = io.BytesIO(random.Random(7).randbytes(300_000))  # noqa: S311 - any bytes
    file.seek(1000)
    place.objects.put("file", file, BYTES)
    assert place.read("file") == file.getvalue()
    place.objects.put("empty", io.BytesIO(), BYTES)
    assert place.objects.get("empty")[0] == b""


@real
def test_a_link_leads_to_the_object(place: Place) -> None:
    key = "media/a b+c%ä.mp4"
    place.objects.put(key, b"film", BYTES)
    query = {"response-content-type": "video/mp4", "response-content-disposition": 'attachment; filename="a b.mp4"'}
    answer = urllib3.request("GET", place.objects.link(key, query, 300), timeout=PATIENCE_SECONDS)
    assert (answer.status, answer.data) == (200, b"film")
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a b.mp4"'


@real
def test_as_many_as_one_call_takes_are_deleted(place: Place) -> None:
    kept = [f"del/{key}" for key in ODD]
    for key in [*kept, "stays"]:
        place.objects.put(key, b"", BYTES)
    place.objects.delete_all([*kept, *(f"del/absent-{number}" for number in range(DELETE_KEYS - len(kept)))])
    assert place.listing("") == ["stays"]


def test_every_character_that_xml_can_hold_reaches_s3_in_a_key_to_delete() -> None:
    key = "".join(map(chr, [9, 10, 13, *range(32, 0xD800, 7), 0x2028, 0xFFFD, 0x10FFFF])) + "\r\n]]>&amp;"
    bucket, seen = scripted("<DeleteResult/>")
    bucket.delete_all([key, "b"])
    assert isinstance(seen[0].body, bytes)
    sent = fromstring(seen[0].body)  # noqa: S314 - our own
    assert [found.text for found in sent.iterfind("{*}Object/{*}Key")] == [key, "b"]


# -- listings ----------------------------------------------------------------------------------------------------------

KEYS = sorted((f"p/{key}" for key in ODD), key=str.encode)


@pytest.mark.parametrize("place", REAL_S3, indirect=True)
@pytest.mark.parametrize("page", [1, 3, len(KEYS), len(KEYS) + 1])
def test_pages_join_into_all_keys_in_their_order(place: Place, page: int) -> None:
    plain = [key for key in KEYS if not set(key) & set("+ ")]  # which the stand-ins escape in ways of their own
    for key in [*plain, "o/before", "q/after"]:
        place.objects.put(key, b"", BYTES)
    before = datetime.now(UTC).timestamp()
    listed = list(place.objects.listed("p/", "p/", page))
    assert [item.key for item in listed] == plain
    assert all(abs(item.modified - before) < PATIENCE_SECONDS for item in listed)
    assert [item.key for item in place.objects.listed("p/", plain[1], page)] == plain[2:]
    assert list(place.objects.listed("none/", "none/", page)) == []


def page(*keys: str, more: str = "false", token: str = "", modified: str = "2026-11-26T01:02:03.000Z") -> str:
    """As S3 writes it, with the keys as `encoding-type=url` gives them."""
    contents = "".join(
        f"<Contents><Key>{quote_plus(key, safe='/*')}</Key><LastModified>{modified}</LastModified></Contents>"
        for key in keys
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<IsTruncated>{more}</IsTruncated>{contents}"
        + (f"<NextContinuationToken>{token}</NextContinuationToken>" if token else "")
        + "</ListBucketResult>"
    )


def scripted(*bodies: str | bytes) -> tuple[Bucket, list[Attempt]]:
    """A bucket that answers with these, one after the other, and the attempts that it saw."""
    seen: list[Attempt] = []
    script = iter(bodies)

    def carry(attempt: Attempt) -> Received:
        seen.append(attempt)
        body = next(script)
        body = body.encode() if isinstance(body, str) else body
        return Received(200, urllib3.HTTPHeaderDict(), body, len(body))

    rest = S3Rest(place_of("bucket", "eu-central-1", None), lambda: Credentials("AKIA", "secret"), lambda: None)  # type: ignore[arg-type,return-value]  # no connection is made
    rest.carry = carry
    return at_once(Bucket(rest)), seen


def test_keys_are_read_as_s3_escapes_them() -> None:
    """A space as a plus, as forms do: botocore reads them so (`handlers.decode_list_object_v2`)."""
    bucket, _ = scripted(page(*KEYS))
    assert [item.key for item in bucket.listed("p/", "p/", 99)] == KEYS


def test_an_empty_page_that_is_not_the_last_is_followed_by_its_token() -> None:
    bucket, seen = scripted(page("p/a", more="true", token="t1"), page(more="true", token="t 2"), page("p/z"))
    assert [item.key for item in bucket.listed("p/", "p/", 9)] == ["p/a", "p/z"]
    assert "start-after=p%2F&" in f"{seen[0].url}&"
    assert "start-after=p%2Fa&" in f"{seen[1].url}&"
    assert "continuation-token=t%202&" in seen[2].url
    assert "start-after" not in seen[2].url


def test_an_empty_page_that_leads_nowhere_is_the_last() -> None:
    bucket, seen = scripted(page(more="true"))
    assert list(bucket.listed("p/", "p/", 9)) == []
    assert len(seen) == 1


def test_a_page_is_asked_for_when_the_one_before_is_used_up() -> None:
    bucket, seen = scripted(page("p/a", "p/b", more="true"), page("p/c"))
    walk = bucket.listed("p/", "p/", 2)
    assert [next(walk).key, next(walk).key, len(seen)] == ["p/a", "p/b", 1]
    assert [next(walk).key, len(seen)] == ["p/c", 2]


@pytest.mark.parametrize(
    ("modified", "seconds"),
    [("2026-11-26T01:02:03.000Z", 1795654923.0), ("2026-11-26T01:02:03Z", 1795654923.0),
     ("2026-11-26T02:02:03.5+01:00", 1795654923.5)],
)  # fmt: skip
def test_when_an_object_was_written(modified: str, seconds: float) -> None:
    bucket, _ = scripted(page("p/a", modified=modified))
    assert list(bucket.listed("p/", "p/", 9)) == [Listed("p/a", seconds)]


BOMB = (
    f"<!DOCTYPE b [<!ENTITY e0 '{'a' * 1000}'>"
    + "".join(f"<!ENTITY e{n + 1} '" + f"&e{n};" * 10 + "'>" for n in range(8))
    + "]><ListBucketResult>&e8;</ListBucketResult>"
)
"""10^11 letters, if it were let."""


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ("", "MalformedXML"),
        ("<ListBucketResult>", "MalformedXML"),
        (b"<ListBucketResult>\xff</ListBucketResult>", "MalformedXML"),
        ('<?xml version="1.0" encoding="no-such"?><ListBucketResult/>', "MalformedXML"),
        ('<?xml version="1.0" encoding="shift_jis"?><ListBucketResult/>', "MalformedXML"),
        ('<!DOCTYPE d SYSTEM "file:///etc/passwd"><ListBucketResult>&e;</ListBucketResult>', "MalformedXML"),
        (BOMB, "MalformedXML"),
        ("<html><body>Welcome</body></html>", "UnexpectedXML"),
        ("<Error xmlns='x'><Code>InternalError</Code></Error>", "InternalError"),
        (page("p/a", modified="yesterday"), "MalformedXML"),
        (page("p/a", modified=""), "MalformedXML"),
    ],
    ids=["empty", "cut", "not utf-8", "unknown encoding", "odd encoding", "external entity", "bomb", "a page",
         "an error", "odd time", "no time"],
)  # fmt: skip
def test_a_listing_that_is_none_is_not_an_empty_one(answer: str | bytes, word: str) -> None:
    bucket, _ = scripted(*[answer] * ATTEMPTS)
    tracemalloc.start()
    try:
        with pytest.raises(StoreFailed, match=rf"\({word}\)"):
            list(bucket.listed("p/", "p/", 9))
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ("<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code></Error></DeleteResult>", "AccessDenied"),
        ("<DeleteResult xmlns='x'><Deleted/><Error><Code>InternalError</Code></Error></DeleteResult>", "InternalError"),
        ("<DeleteResult><Error><Key>a</Key></Error></DeleteResult>", "no code"),
        ("<Error><Code>InternalError</Code></Error>", "InternalError"),
        ("<html/>", "UnexpectedXML"),
        ("", "MalformedXML"),
    ],
)
def test_a_deletion_that_was_not_done_is_told(answer: str, word: str) -> None:
    bucket, _ = scripted(*[answer] * ATTEMPTS)
    with pytest.raises(StoreFailed, match=rf"\({word}\)"):
        bucket.delete_all(["a"])


def test_a_deletion_whose_answer_is_an_error_is_tried_again(moto: Place) -> None:
    moto.objects.put("del/a", b"", BYTES)
    attempts = inject(moto.objects, "DeleteObjects", answers(200, "<Error><Code>InternalError</Code></Error>"))
    moto.objects.delete_all(["del/a"])
    assert len(attempts) == 2
    assert moto.listing("del/") == []


def test_an_answer_without_a_tag_or_a_length_is_none() -> None:
    bucket, _ = scripted("one", "two")
    with pytest.raises(StoreFailed, match=r"\(NoETag\)"):
        bucket.get("k")
    with pytest.raises(StoreFailed, match=r"\(NoETag\)"):
        bucket.put("k", b"", BYTES)


# -- who asks ----------------------------------------------------------------------------------------------------------


def test_what_the_environment_says() -> None:
    read = aws_environment.read
    assert read({}) == AwsEnvironment("us-east-1", None, None)
    assert read({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "x"}).region == "eu-west-1"
    assert read({"AWS_DEFAULT_REGION": "eu-west-1"}).region == "eu-west-1"
    assert read({"AWS_ENDPOINT_URL_S3": "http://s3", "AWS_ENDPOINT_URL": "http://all"}).s3_endpoint == "http://s3"
    assert read({"AWS_ENDPOINT_URL_S3": "", "AWS_ENDPOINT_URL": "http://all"}).s3_endpoint == "http://all"
    key = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret-1"}
    assert read(key).credentials == Credentials("AKIA", "secret-1")
    assert read({**key, "AWS_SESSION_TOKEN": "token-1"}).credentials == Credentials("AKIA", "secret-1", "token-1")
    assert read({"AWS_ACCESS_KEY_ID": "AKIA"}).credentials is None
    assert "secret-1" not in repr(read(key))


@pytest.fixture
def no_keys(aws_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:  # noqa: ARG001 - cleared by it
    """No credentials in the environment, nor on this machine."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))


def asked_by(bucket: Bucket) -> Callable[[], str]:
    """Asks for an object, and says by whose key."""
    told: list[str] = []

    def carry(attempt: Attempt) -> Received:
        told.append(attempt.headers["Authorization"].partition("Credential=")[2].partition("/")[0])
        told.append(attempt.headers.get("X-Amz-Security-Token", ""))
        return Received(200, urllib3.HTTPHeaderDict({"ETag": '"t"'}), b"", 0)

    bucket.rest.carry = carry

    def ask() -> str:
        bucket.get("k")
        return " ".join(told[-2:]).strip()

    return ask


@pytest.mark.usefixtures("aws_environment")
def test_keys_of_the_environment_are_used_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token-1")
    assert asked_by(bucket_of("bucket"))() == "local token-1"


@pytest.mark.usefixtures("no_keys")
def test_a_profile_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("[mine]\naws_access_key_id = AKIA-mine\naws_secret_access_key = secret-1\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_PROFILE", "mine")
    assert asked_by(bucket_of("bucket"))() == "AKIA-mine"


def temporary(name: str, minutes: float) -> bytes:
    ends = (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = {"AccessKeyId": name, "SecretAccessKey": "secret-1", "Token": f"token-{name}", "Expiration": ends}
    return http("200 OK", json.dumps(found).encode(), Content_Type="application/json")


@pytest.mark.usefixtures("no_keys")
def test_keys_of_the_containers_endpoint_are_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a function that was restored from a snapshot. botocore renews a quarter of an hour before their end."""
    with FaultServer(answering(temporary("A", 5), temporary("B", 5), temporary("C", 600))) as endpoint:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{endpoint.port}/creds")
        ask = asked_by(bucket_of("bucket"))
        assert [ask(), ask(), ask()] == ["B token-B", "C token-C", "C token-C"]
        assert len(endpoint.posts) == 3


@pytest.mark.usefixtures("no_keys")
def test_without_credentials_a_call_says_so_and_the_next_one_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = asked_by(bucket_of("bucket"))
    with pytest.raises(StoreFailed, match=r"\(NoCredentials\)"):
        ask()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA-late")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-1")
    assert ask() == "AKIA-late"


@pytest.mark.usefixtures("no_keys")
@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("AWS_PROFILE", "no-such-profile", "ProfileNotFound"),
        ("AWS_ACCESS_KEY_ID", "AKIA-alone", "PartialCredentialsError"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://203.0.113.7/creds", "UnusableCredentials"),
    ],
)
def test_credentials_that_cannot_be_had_are_a_failure_in_our_words(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, word: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(StoreFailed) as caught:
        LateCredentials()()
    assert word in caught.value.message
    assert value not in caught.value.message
    assert caught.value.__suppress_context__


@pytest.mark.usefixtures("no_keys")
def test_credentials_past_their_time_are_a_failure_in_our_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer(replies(temporary("A", -5))) as endpoint:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{endpoint.port}/creds")
        with pytest.raises(StoreFailed, match=r"\(UnusableCredentials\)"):
            asked_by(bucket_of("bucket"))()
