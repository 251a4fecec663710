"""What was kept, read back through the results door."""

from __future__ import annotations

import hashlib

import pytest
import urllib3

from tests.e2e.local_house import PROMPT, LocalHouse
from tests.patience import PATIENCE_SECONDS

OTHER = "sk-somebody-else"


def made(house: LocalHouse, count: int, **more: object) -> list[str]:
    """Ids of so many completions, oldest first."""
    return [house.create("sim-text", stream=False, **more).json["id"] for _ in range(count)]


def ids(house: LocalHouse, **query: str) -> list[str]:
    return [each["id"] for each in house.call("GET", "/v1/chat/completions", query=query).json["data"]]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_lead_through_everything_in_order(house: LocalHouse, order: str) -> None:
    everything = made(house, 5)
    expected = everything if order == "asc" else everything[::-1]
    seen: list[str] = []
    query = {"limit": "2", "order": order}
    while True:
        page = house.call("GET", "/v1/chat/completions", query=query).json
        seen += [each["id"] for each in page["data"]]
        assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])
        if not page["has_more"]:
            break
        query["after"] = page["last_id"]
    assert seen == expected
    assert ids(house) == everything


def test_a_page_of_nothing_is_a_page(house: LocalHouse) -> None:
    page = house.call("GET", "/v1/chat/completions")
    assert page.json == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    assert house.house.contract.answer_faults("listChatCompletions", 200, page.headers, page.body) == []


def test_a_deleted_cursor_still_leads_on(house: LocalHouse) -> None:
    first, second, third = made(house, 3)
    house.call("DELETE", f"/v1/chat/completions/{second}")
    assert ids(house, after=second) == [third]
    assert ids(house, after=second, order="desc") == [first]


def test_lists_are_filtered_by_model_and_metadata(house: LocalHouse) -> None:
    (blue,) = made(house, 1, metadata={"colour": "blue", "n": "1"})
    (red,) = made(house, 1, metadata={"colour": "red", "n": "1"})
    video = house.create("sora-2").frames[0]["id"]
    assert ids(house, **{"metadata[colour]": "blue"}) == [blue]
    assert ids(house, **{"metadata[n]": "1"}) == [blue, red]
    assert ids(house, **{"metadata[n]": "1", "metadata[colour]": "red"}) == [red]
    assert ids(house, model="sora-2") == [video]
    assert ids(house, model="sora-1") == []


@pytest.mark.case("cursor-trick")
@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "0"}, "limit"), ({"limit": "-1"}, "limit"), ({"limit": "1000000000"}, "limit"),
        ({"limit": "x"}, "limit"), ({"order": "sideways"}, "order"), ({"after": "garbage"}, "after"),
    ],
)  # fmt: skip
def test_a_wrong_query_is_a_400_that_names_the_parameter(house: LocalHouse, query: dict[str, str], param: str) -> None:
    reply = house.call("GET", "/v1/chat/completions", query=query)
    assert (reply.status, reply.error["param"]) == (400, param)


def test_metadata_alone_can_be_changed(house: LocalHouse) -> None:
    (one,) = made(house, 1, metadata={"old": "yes"})
    before = house.call("GET", f"/v1/chat/completions/{one}").json
    changed = house.call("POST", f"/v1/chat/completions/{one}", body={"metadata": {"new": "yes"}})
    assert changed.json == {**before, "metadata": {"new": "yes"}}
    assert house.call("GET", f"/v1/chat/completions/{one}").json == changed.json
    assert house.call("POST", f"/v1/chat/completions/{one}", body={"metadata": None}).json["metadata"] == {}
    refused = house.call("POST", f"/v1/chat/completions/{one}", body={"metadata": {}, "model": "other"})
    assert refused.status == 400


def test_messages_are_the_ones_that_were_sent_each_with_an_id(house: LocalHouse) -> None:
    sent = [{"role": "system", "content": "be brief"}, {"role": "user", "content": PROMPT}]
    one = house.post({"model": "sim-text", "messages": sent}).json["id"]
    path = f"/v1/chat/completions/{one}/messages"
    page = house.call("GET", path).json
    assert page["data"] == [{**message, "id": f"{one}-{number}"} for number, message in enumerate(sent)]
    assert [each["id"] for each in house.call("GET", path, query={"order": "desc"}).json["data"]] == [
        f"{one}-1", f"{one}-0",
    ]  # fmt: skip
    first = house.call("GET", path, query={"limit": "1"}).json
    assert (first["has_more"], first["last_id"]) == (True, f"{one}-0")
    assert house.call("GET", path, query={"after": f"{one}-0"}).json["data"] == page["data"][1:]
    assert house.call("GET", path, query={"after": "nothing"}).status == 400


def test_a_deleted_completion_leaves_nothing_in_the_bucket(house: LocalHouse) -> None:
    one = house.create("sora-2").frames[0]["id"]
    assert len(house.objects()) == 5  # record, marker, transcript, video, thumbnail
    deleted = house.call("DELETE", f"/v1/chat/completions/{one}")
    assert deleted.json == {"object": "chat.completion.deleted", "id": one, "deleted": True}
    assert house.objects() == []
    assert house.call("GET", f"/v1/chat/completions/{one}").status == 404


def test_store_false_leaves_nothing_with_content(house: LocalHouse) -> None:
    reply = house.create("sora-2", store=False)
    assert ".mp4" in reply.content
    assert "Content-Location" not in reply.headers
    (key,) = house.objects()
    stub = house.s3.get_object(Bucket=house.bucket, Key=key)["Body"].read().decode()
    assert PROMPT not in stub
    assert ".mp4" not in stub
    one = reply.frames[0]["id"]
    for path in (f"/v1/chat/completions/{one}", f"/v1/chat/completions/{one}/messages", f"/v1/videos/{one}/content"):
        assert house.call("GET", path).status == 404
    assert ids(house) == []


@pytest.mark.case("media-sniffed")
@pytest.mark.parametrize("prefix", ["chatcmpl-", "video_"])
@pytest.mark.parametrize("variant", ["video", "thumbnail"])
def test_content_is_a_redirect_to_the_very_file(house: LocalHouse, prefix: str, variant: str) -> None:
    one = house.create("sora-2").frames[0]["id"]
    kept = {media["kind"]: media for media in house.call("GET", f"/v1/chat/completions/{one}").json["media"]}
    path = f"/v1/videos/{prefix}{one.removeprefix('chatcmpl-')}/content"
    reply = house.call("GET", path, query={"variant": variant})
    assert (reply.status, reply.headers["Cache-Control"]) == (302, "no-store")
    file = urllib3.request("GET", reply.headers["Location"], retries=False, timeout=PATIENCE_SECONDS)
    assert (len(file.data), hashlib.sha256(file.data).hexdigest()) == (kept[variant]["size"], kept[variant]["sha256"])
    assert file.headers["Content-Type"] == {"video": "video/mp4", "thumbnail": "image/webp"}[variant]
    assert file.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.case("link-dead", "media-wrong-type", "ssrf-address", "ssrf-redirect")
@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("sim-expired-link", "403"),
        ("sim-403-video", "403"),
        ("sim-404-video", "404"),
        ("sim-500-video", "500"),
        ("sim-html-video", ""),
        ("sim-gzip-video", ""),
        ("sim-zero-byte-video", ""),
        ("sim-no-moov", "moov"),
        ("sim-short-video", ""),
        ("sim-redirect-loop", ""),
        ("sim-redirect-hops", ""),
        ("sim-redirect-private", ""),
        ("sim-link-loopback", ""),
        ("sim-link-loopback-v6", ""),
        ("sim-link-metadata", ""),
        ("sim-link-private", ""),
    ],
)
def test_a_link_that_cannot_be_copied_is_told_with_its_reason_and_the_completion_stays(
    house: LocalHouse, model: str, reason: str
) -> None:
    one = house.create(model).frames[0]["id"]
    kept = house.call("GET", f"/v1/chat/completions/{one}")
    (video,) = [media for media in kept.json["media"] if media["kind"] == "video"]
    assert (kept.status, video["status"], video["content"]) == (200, "unavailable", None)
    assert video["reason"]
    assert reason in video["reason"]
    content = house.call("GET", f"/v1/videos/{one}/content")
    passes = model in {"sim-500-video", "sim-short-video"}  # then it is tried again for an hour
    expected = (409, "not_ready") if passes else (404, "media_unavailable")
    assert (content.status, content.error["code"]) == expected
    assert video["reason"] in content.error["message"]
    assert not [key for key in house.objects() if key.endswith(".mp4")]
    assert house.s3.list_multipart_uploads(Bucket=house.bucket).get("Uploads", []) == []


def test_the_link_in_the_completion_leads_to_the_content_under_the_callers_own_stage(house: LocalHouse) -> None:
    one = house.create("sora-2").frames[0]["id"]
    (link, _) = [media["content"] for media in house.call("GET", f"/v1/chat/completions/{one}").json["media"]]
    stage, path = link.partition("?")[0].split("/v1/")
    assert stage == "/live"
    assert house.call("GET", f"/v1/{path}").status == 302


def test_a_completion_without_a_video_has_no_content(house: LocalHouse) -> None:
    (one,) = made(house, 1)
    reply = house.call("GET", f"/v1/videos/{one}/content")
    assert (reply.status, reply.error["code"]) == (404, "media_unavailable")


@pytest.mark.case("path-trick", "other-tenant")
@pytest.mark.parametrize(
    "id", ["chatcmpl-01k9zzzzzzzzzzzzzzzzzzzzzz", "..%2F..%2Fx", "%2e%2e", "x", "chatcmpl-%00", "a" * 10_000, "video_"]
)
def test_an_id_that_is_not_ones_own_is_one_and_the_same_404(house: LocalHouse, id: str) -> None:
    (own,) = made(house, 1)
    unknown = house.call("GET", "/v1/chat/completions/chatcmpl-01k9zzzzzzzzzzzzzzzzzzzzzz")
    others = house.call("GET", f"/v1/chat/completions/{own}", key=OTHER)
    assert unknown.status == others.status == 404
    for method, tail in (("GET", ""), ("DELETE", ""), ("GET", "/messages")):
        reply = house.call(method, f"/v1/chat/completions/{id}{tail}")
        assert (reply.status, reply.body) == (404, unknown.body) == (404, others.body)
    assert house.call("POST", f"/v1/chat/completions/{id}", body={"metadata": {}}).body == unknown.body
    assert house.call("GET", f"/v1/videos/{id}/content").body == unknown.body


@pytest.mark.case("other-tenant", "cursor-trick")
def test_tenants_see_change_and_delete_only_their_own(house: LocalHouse) -> None:
    (own,) = made(house, 1)
    path = f"/v1/chat/completions/{own}"
    assert house.call("GET", "/v1/chat/completions", key=OTHER).json["data"] == []
    assert house.call("POST", path, key=OTHER, body={"metadata": {"stolen": "yes"}}).status == 404
    assert house.call("DELETE", path, key=OTHER).status == 404
    assert house.call("GET", "/v1/chat/completions", key=OTHER, query={"after": own}).json["data"] == []
    assert house.call("GET", path).json["metadata"] == {}


def test_a_large_request_is_kept_whole_and_lists_do_not_read_it(house: LocalHouse) -> None:
    picture = "data:image/png;base64," + "A" * 400_000
    parts = [{"type": "image_url", "image_url": {"url": picture}}]
    one = house.post({"model": "sim-text", "messages": [{"role": "user", "content": parts}]}).json["id"]
    assert ids(house) == [one]
    messages = house.call("GET", f"/v1/chat/completions/{one}/messages").json["data"]
    assert messages[0]["content_parts"] == parts
    house.call("DELETE", f"/v1/chat/completions/{one}")
    assert house.objects() == []


def test_the_contract_is_served_to_everybody_in_both_forms(house: LocalHouse) -> None:
    yaml = house.call("GET", "/openapi.yaml", key=None)
    json = house.call("GET", "/openapi.json", key=None)
    assert yaml.headers["Content-Type"] == "application/yaml"
    assert b"\nopenapi: 3.1" in yaml.body
    assert json.json["openapi"].startswith("3.1")
