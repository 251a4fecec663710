from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelay import documents
from reelay.documents import Document, decode, encode
from reelay.errors import NotFound
from reelay.ids import new_core
from reelay.model import Job, Media, MediaKind, Phase, Problem, Record, VideoRequest
from tests.fakes import NOON, TENANT, new_record

CORE = new_core(NOON, bytes)
LATER = new_core(NOON + 1, bytes)

FULL = new_record(
    id=CORE,
    phase=Phase.FAILED,
    rev=3,
    updated=1_780_000_009,
    metadata={"project": "dogs"},
    completion={"id": "chatcmpl-x", "choices": [{"message": {"content": "🐕 [video](https://a.test/v.mp4)"}}]},
    problem=Problem("cut", "upstream_error", None, "upstream_broken", 502, charged=True),
    task_id="task_1",
    status="in_progress",
    progress=36,
    lease=1_780_000_900,
    fingerprint="cd" * 32,
    upstream_id="chatcmpl-theirs",
    transcript_bytes=60_000,
    media=(
        Media(MediaKind.VIDEO, "https://a.test/v.mp4", key="k", size=5, sha256="ab", content_type="video/mp4", at=7),
        Media(MediaKind.THUMBNAIL, "https://a.test/p.webp", reason="404 from its host", at=8),
    ),
    finished=1_780_000_090,
    ask_until=1_780_003_600,
    by_worker=True,
    tries=2,
    video=VideoRequest("a cat 🐈", seconds="8", size="1280x720", remix_of=new_core(NOON - 1, bytes)),
    drop="inbox/Über 🐕.json",
)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def as_json(record: Record, **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(encode(Document(record, "w", apart=False)))
    return {**body, **changes}


def as_bytes(body: object) -> bytes:
    return json.dumps(body).encode()


def test_a_record_with_every_field_set_comes_back_equal() -> None:
    assert decode(encode(Document(FULL, "abc", apart=False))) == Document(FULL, "abc", apart=False)


def test_a_record_with_nothing_but_what_it_must_have_comes_back_equal() -> None:
    bare = new_record(request=None)
    assert decode(encode(Document(bare, "abc", apart=False))).record == bare


@given(request=st.dictionaries(st.text(), json_values), text=st.text(st.characters()))
def test_whatever_json_can_hold_comes_back_equal(request: dict[str, Any], text: str) -> None:
    record = new_record(request=request, completion={"content": text}, metadata={"k": text})
    assert decode(encode(Document(record, "abc", apart=False))).record == record


def test_a_lone_surrogate_and_an_emoji_survive_in_a_document_that_any_tool_reads() -> None:
    record = new_record(completion={"content": "\ud83d and 🐕"})
    raw = encode(Document(record, "abc", apart=False))
    assert raw.isascii()
    assert decode(raw).record.completion == {"content": "\ud83d and 🐕"}


def test_the_version_is_the_stores_own_and_stays_out() -> None:
    raw = encode(Document(replace(FULL, version='"etag"'), "abc", apart=False))
    assert b"etag" not in raw
    assert decode(raw).record.version == ""


def test_a_version_that_somebody_wrote_into_a_document_is_not_believed() -> None:
    assert decode(as_bytes(as_json(FULL, version="forged"))).record.version == ""


def test_a_request_that_lies_apart_is_not_in_the_document() -> None:
    raw = encode(Document(FULL, "abc", apart=True))
    assert b"retriever" not in raw
    assert decode(raw) == Document(replace(FULL, request=None), "abc", apart=True)


def test_a_field_of_a_later_version_is_left_out() -> None:
    body = as_json(FULL, mood="sunny", problem={**as_json(FULL)["problem"], "mood": "dark"})
    assert decode(as_bytes(body)).record == FULL


@pytest.mark.parametrize("asked", [{}, {"seconds": "4"}, {"size": "720x1280", "remix_of": CORE}])
def test_what_was_asked_of_the_videos_api_comes_back_equal(asked: dict[str, str]) -> None:
    record = new_record(video=VideoRequest("🐕 \ud83d", **asked))
    assert decode(encode(Document(record, "abc", apart=False))).record == record


def test_a_field_of_a_later_version_is_left_out_of_what_was_asked() -> None:
    body = as_json(FULL, video={**as_json(FULL)["video"], "mood": "sunny"})
    assert decode(as_bytes(body)).record == FULL


def test_a_document_from_before_there_were_jobs_is_read() -> None:
    body = as_json(FULL)
    for name in ("finished", "ask_until", "by_worker", "tries", "video", "drop"):
        del body[name]
    before = replace(FULL, finished=0, ask_until=0, by_worker=False, tries=0, video=None, drop=None)
    assert decode(as_bytes(body)).record == before


def test_a_field_that_an_earlier_version_did_not_write_has_its_default() -> None:
    body = as_json(FULL)
    for name in ("progress", "media", "problem"):
        del body[name]
    assert decode(as_bytes(body)).record == replace(FULL, progress=0, media=(), problem=None)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe\x00",
        b"{}",
        as_bytes(as_json(FULL, schema=2)),
        as_bytes(as_json(FULL, phase="dreaming")),
        as_bytes(as_json(FULL, media=["retriever"])),
        as_bytes(as_json(FULL, problem="retriever")),
        as_bytes(as_json(FULL, video="retriever")),
        as_bytes(as_json(FULL, video={"seconds": "retriever"})),
        as_bytes({name: value for name, value in as_json(FULL).items() if name != "model"}),
        as_bytes({name: value for name, value in as_json(FULL).items() if name != "write_id"}),
    ],
)
def test_what_is_not_such_a_document_is_refused_without_being_quoted(raw: bytes) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the class is the promise, the words are checked below
        decode(raw)
    assert "retriever" not in str(refused.value)


@pytest.mark.parametrize("raw", [b"[]", b"null", b"{"])
def test_a_request_kept_apart_is_a_json_object(raw: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the class is the promise
        documents.decode_request(raw)


def test_keys_lie_under_their_kind_and_then_the_tenant() -> None:
    assert documents.record_key(TENANT, CORE).startswith(f"kept/records/{TENANT}/")
    assert documents.marker_key(TENANT, CORE) == f"kept/oldest/{TENANT}/{CORE}"
    assert documents.request_key(TENANT, CORE) == f"kept/requests/{TENANT}/{CORE}.json"
    assert documents.transcript_key(TENANT, CORE) == f"kept/transcripts/{TENANT}/{CORE}"
    assert documents.media_prefix(TENANT, CORE) == f"kept/media/{TENANT}/{CORE}/"


@pytest.mark.parametrize("name", ["order-7", "", "\0", "../../records/x", "a/b\r\n", "🐕", "\ud83d", "x" * 10_000])
def test_a_claims_key_is_of_one_form_whatever_the_name_and_shows_nothing_of_it(name: str) -> None:
    assert re.fullmatch(rf"claims/{TENANT}/[0-9a-f]{{64}}\.json", documents.claim_key(TENANT, name))


def test_a_claims_key_is_the_sha_256_of_its_name() -> None:
    of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
    assert documents.claim_key(TENANT, "abc") == f"claims/{TENANT}/{of_abc}.json"


@given(one=st.text(st.characters()), other=st.text(st.characters()))
def test_two_names_share_no_key(one: str, other: str) -> None:
    assert (documents.claim_key(TENANT, one) == documents.claim_key(TENANT, other)) == (one == other)


def test_surrogates_are_names_of_their_own_alone_and_in_pairs() -> None:
    names = ["\ud83d", "\udc15", "?", "\ud83d\udc15", "🐕", "??"]
    assert len({documents.claim_key(TENANT, name) for name in names}) == len(names)


def test_documents_sort_newest_first_and_markers_oldest_first() -> None:
    assert documents.record_key(TENANT, LATER) < documents.record_key(TENANT, CORE)
    assert documents.marker_key(TENANT, CORE) < documents.marker_key(TENANT, LATER)


def test_a_listed_key_names_its_record() -> None:
    assert documents.core_in(documents.record_key(TENANT, CORE)) == CORE
    assert documents.core_in(documents.marker_key(TENANT, CORE)) == CORE


@pytest.mark.parametrize("name", ["", ".json", "notes.txt", CORE.upper() + ".json", CORE + "x", CORE + ".json.json"])
def test_a_listed_key_that_is_not_ours_names_none(name: str) -> None:
    assert documents.core_in(documents.records_prefix(TENANT) + name) is None


def test_a_watch_marker_sorts_by_time_whatever_its_tenant_and_names_its_job() -> None:
    key = documents.watch_key(TENANT, CORE)
    assert key == f"open/{CORE}/{TENANT}"
    assert key < documents.watch_key("anonymous", LATER)
    assert documents.watched_in(key) == Job(TENANT, CORE)
    assert documents.watched_in(documents.watch_key("anonymous", LATER)) == Job("anonymous", LATER)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "notes.txt",
        CORE,
        CORE + "/",
        f"{CORE}/{TENANT}/",
        f"{CORE}/x/{TENANT}",
        f"{CORE}.json/{TENANT}",
        f"/{TENANT}",
    ],
)
def test_a_watch_marker_that_is_not_ours_names_none(name: str) -> None:
    assert documents.watched_in(documents.WATCH_PREFIX + name) is None


def test_a_job_is_made_of_what_can_be_a_tenant_and_an_id() -> None:
    assert documents.job_of(TENANT, CORE) == Job(TENANT, CORE)
    assert documents.job_of("anonymous", CORE) == Job("anonymous", CORE)
    assert documents.job_of(TENANT, "../x") is None
    assert documents.job_of("anonymous/../x", CORE) is None


@pytest.mark.parametrize("core", ["", "../x", "%2e%2e", CORE + "/", CORE + "\n", CORE.upper(), "z" * 26, CORE[:-1]])
def test_no_key_is_made_for_what_cannot_be_an_id(core: str) -> None:
    for key in (
        documents.record_key,
        documents.marker_key,
        documents.request_key,
        documents.transcript_key,
        documents.media_prefix,
        documents.watch_key,
    ):
        with pytest.raises(NotFound):
            key(TENANT, core)


@pytest.mark.parametrize("tenant", ["", "..", "anonymous/../x", "anonymous\n", TENANT.upper(), TENANT + "0", "a" * 31])
def test_no_key_is_made_for_what_cannot_be_a_tenant(tenant: str) -> None:
    for prefix in (documents.records_prefix, documents.oldest_prefix):
        with pytest.raises(NotFound):
            prefix(tenant)
    with pytest.raises(NotFound):
        documents.claim_key(tenant, "order-7")
    with pytest.raises(NotFound):
        documents.watch_key(tenant, CORE)


def test_whoever_brings_no_token_has_a_home_too() -> None:
    assert documents.records_prefix("anonymous") == "kept/records/anonymous/"
