"""Lambda's events as requests. The shapes are those of `sam local generate-event` and of AWS's own pages: the same
delivery always has the same name and time, another version of a file another name, and nothing crashes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelay.ids import core_of, derived_core, video_id
from reelay.triggers import KEY_ATTRIBUTE, Asked, Dropped, of_event, of_message

REQUEST = {"model": "sora-2", "messages": [{"role": "user", "content": "a dog"}]}
NOW = 1_780_000_000.0
KEY = "inbox/a dog & a cat+1.json"
ENCODED_KEY = "inbox/a+dog+%26+a+cat%2B1.json"
TAG = "0123456789abcdef0123456789abcdef"
SEQUENCER = "0A1B2C3D4E5F678901"


def message(body: object = REQUEST, **fields: Any) -> dict[str, Any]:
    """`sam local generate-event sqs receive-message`."""
    return {
        "messageId": "19dd0b57-b21e-4ac1-bd88-01bbb068cb78",
        "receiptHandle": "MessageReceiptHandle",
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1523232000123",
            "SenderId": "123456789012",
            "ApproximateFirstReceiveTimestamp": "1523232000001",
        },
        "messageAttributes": {},
        "md5OfBody": "7b270e59b47ff90a553787216d55d91d",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:MyQueue",
        "awsRegion": "us-east-1",
        **fields,
    }


def attribute(value: Any) -> dict[str, Any]:
    return {KEY_ATTRIBUTE: {"stringValue": value, "stringListValues": [], "dataType": "String"}}


def notification(**file: Any) -> dict[str, Any]:
    """`sam local generate-event s3 put`."""
    record = {
        "eventVersion": "2.0",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-05-28T20:26:40.000Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "EXAMPLE"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "EXAMPLE123456789"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "testConfigRule",
            "bucket": {"name": "example-bucket", "arn": "arn:aws:s3:::example-bucket"},
            "object": {"key": ENCODED_KEY, "size": 1024, "eTag": TAG, "sequencer": SEQUENCER, **file},
        },
    }
    return {"Records": [record]}


def created(**file: Any) -> dict[str, Any]:
    """Amazon S3 user guide, "Event message structure" for EventBridge: the key is not encoded, the tag is `etag`."""
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "111122223333",
        "time": "2026-05-28T20:26:40Z",
        "region": "ca-central-1",
        "resources": ["arn:aws:s3:::amzn-s3-demo-bucket1"],
        "detail": {
            "version": "0",
            "bucket": {"name": "amzn-s3-demo-bucket1"},
            "object": {"key": KEY, "size": 5, "etag": TAG, "sequencer": SEQUENCER, **file},
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": "123456789012",
            "source-ip-address": "1.2.3.4",
            "reason": "PutObject",
        },
    }


def bus_event(detail: object = REQUEST, **fields: Any) -> dict[str, Any]:
    """`sam local generate-event cloudwatch scheduled-event`, with a request in it."""
    return {
        "id": "cdc73f9d-aea9-11e3-9d5a-835b769c0d9c",
        "detail-type": "Video Wanted",
        "source": "shop.orders",
        "account": "123456789012",
        "time": "2026-05-28T20:26:40Z",
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:123456789012:rule/ExampleRule"],
        "detail": detail,
        **fields,
    }


DROPPED = Dropped(f"s3 {KEY} {TAG} {SEQUENCER}", NOW, KEY, TAG)
WANTED = Asked("eventbridge cdc73f9d-aea9-11e3-9d5a-835b769c0d9c", NOW, json.dumps(REQUEST).encode())


def test_a_message_is_the_request_itself_byte_for_byte() -> None:
    body = '{"model" : "sora-2",\n "prompt": "ein Hündchen 🐕"}'
    name = "sqs 19dd0b57-b21e-4ac1-bd88-01bbb068cb78"
    assert of_message(message(body)) == (Asked(name, 1523232000.123, body.encode()),)


def test_a_message_that_is_received_again_is_the_same_request() -> None:
    again = {"ApproximateReceiveCount": "7", "SentTimestamp": "1523232000123", "SenderId": "AIDA"}
    assert of_message(message(attributes=again, receiptHandle="another")) == of_message(message())
    assert of_message(message(messageId="another")) != of_message(message())


def test_a_sender_may_name_its_request() -> None:
    (asked,) = of_message(message(messageAttributes=attribute("order-7")))
    assert isinstance(asked, Asked)
    assert asked.key == "order-7"


@pytest.mark.parametrize("value", ["", None, 7, ["a"]])
def test_a_name_that_is_none_is_no_name(value: object) -> None:
    odd: list[Any] = [attribute(value), {KEY_ATTRIBUTE: value}, {KEY_ATTRIBUTE: {"binaryValue": "AA=="}}, [], "x"]
    for attributes in odd:
        (asked,) = of_message(message(messageAttributes=attributes))
        assert isinstance(asked, Asked)
        assert asked.key is None


@pytest.mark.parametrize(
    ("event", "wanted"),
    [(notification(), (DROPPED,)), (created(), (DROPPED,)), (bus_event(), (WANTED,))],
    ids=["S3 notification", "S3 through EventBridge", "EventBridge"],
)
def test_an_event_is_the_same_request_whether_it_comes_itself_or_in_a_message(event: Any, wanted: Any) -> None:
    assert of_event(event, "r-1") == wanted
    assert of_message(message(event)) == wanted


def test_the_keys_of_notifications_are_encoded_and_those_of_events_are_not() -> None:
    for key in (KEY, "inbox/100%+.json", "inbox/Hündchen 🐕.json", "inbox/a%20b"):
        (dropped,) = of_event(created(key=key), "r")
        assert isinstance(dropped, Dropped)
        assert dropped.key == key
    for encoded, key in ((ENCODED_KEY, KEY), ("inbox/H%C3%BCndchen.json", "inbox/Hündchen.json"), ("a%zz", "a%zz")):
        (dropped,) = of_event(notification(key=encoded), "r")
        assert isinstance(dropped, Dropped)
        assert dropped.key == key


@pytest.mark.parametrize("event", [notification, created])
def test_another_version_of_a_file_is_another_request_and_the_same_one_is_not(event: Any) -> None:
    first = of_event(event(), "r-1")
    assert of_event(event(), "r-2") == first
    tag = "eTag" if event is notification else "etag"
    others = [event(sequencer="0A1B2C3D4E5F678902"), event(**{tag: "ffff"}), event(key="inbox/other.json")]
    names = {wanted.name for each in (event(), *others) for wanted in of_event(each, "r")}
    assert len(names) == 4


def test_each_file_of_a_notification_is_a_request() -> None:
    two = {"Records": notification()["Records"] + notification(key="inbox/b.json", sequencer="1")["Records"]}
    assert [wanted.key for wanted in of_event(two, "r")] == [KEY, "inbox/b.json"]


def test_the_quotes_of_a_tag_are_not_part_of_it() -> None:
    (dropped,) = of_event(notification(eTag=f'"{TAG}"'), "r")
    assert isinstance(dropped, Dropped)
    assert dropped.tag == TAG


def test_the_message_by_which_s3_tries_a_queue_asks_for_nothing() -> None:
    test = {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": "2026-05-28T20:26:40.000Z",
        "Bucket": "amzn-s3-demo-bucket1",
        "RequestId": "5582815E1AEA5ADF",
        "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE",
    }
    assert of_message(message(test)) == of_event(test, "r") == ()


def test_all_tries_of_a_direct_invocation_have_one_name() -> None:
    first, again = (of_event(REQUEST, "r-1") for _ in range(2))
    (asked,) = first
    assert isinstance(asked, Asked)
    assert (asked.name, asked.at, asked.key, json.loads(asked.body)) == ("invoke r-1", None, None, REQUEST)
    assert [wanted.name for wanted in again] == ["invoke r-1"]


def test_all_tries_of_a_direct_invocation_are_the_same_request() -> None:
    """Lambda tries an asynchronous one again minutes later; `Asked` promises the same name and time."""
    assert of_event(REQUEST, "r-1") == of_event(REQUEST, "r-1")


@pytest.mark.parametrize("detail", ["a dog", [REQUEST], 7, None, {}], ids=repr)
def test_a_detail_that_is_no_request_is_for_the_contract_to_judge(detail: object) -> None:
    (asked,) = of_event(bus_event(detail), "r")
    assert isinstance(asked, Asked)
    assert json.loads(asked.body) == detail


@pytest.mark.parametrize(
    ("time", "at"),
    [
        ("2026-05-28T20:26:40Z", NOW),
        ("2026-05-28T22:26:40+02:00", NOW),
        ("2026-05-28T20:26:40.500Z", NOW + 0.5),
        ("", None),
        ("yesterday", None),
        ("2026-13-45T99:99:99Z", None),
        (1780000000, None),
        (None, None),
    ],
)
def test_a_time_that_is_none_is_none(time: object, at: float | None) -> None:
    assert [wanted.at for wanted in of_event(bus_event(time=time), "r")] == [at]


@pytest.mark.parametrize(
    "sent", [None, "", 1523232000000, [], "soon", "nan", "inf", "1e400", "-1", "9" * 400], ids=repr
)
def test_a_message_makes_an_id_whatever_its_time_says(sent: object) -> None:
    (asked,) = of_message(message(attributes={"SentTimestamp": sent}))
    assert core_of(video_id(derived_core(asked.at or 0, asked.name)))


DEEP = "[" * 100_000
ODD_BODIES = [
    "", " ", "hello", "null", "7", '"text"', "[]", "[1, 2]", "{}", "{", "NaN", "1" * 5000, "\x00", "\ud800", "🐕",
    '"\\ud800"', DEEP, '{"a":' * 3000 + "1" + "}" * 3000, DEEP.replace("[", '{"Records":['),
    '{"Records": null}', '{"Records": []}', '{"Records": {}}', '{"Records": [null]}', '{"Records": [{"s3": null}]}',
    '{"Records": [{"s3": {}}, null, 7, "x"]}',
    '{"Records": [{"s3": {"object": {"key": 7, "eTag": [], "sequencer": {}}}}]}',
    '{"source": "aws.s3", "detail": {"bucket": null, "object": {"key": "inbox/\\ud800"}}}',
    '{"source": "aws.s3", "detail": {"bucket": {}, "object": {"key": "inbox/a", "etag": 7, "sequencer": 8}}}',
    '{"source": "aws.s3", "detail": {"bucket": {}, "object": {"key": 7}}}', '{"source": "aws.s3", "detail": null}',
    '{"source": "x", "detail-type": "y", "id": 7, "detail": {}}', '{"source": "x", "detail-type": "y", "id": "z"}',
    '{"source": "x", "detail-type": "y", "id": "z", "detail": ' + "[" * 900 + "]" * 900 + "}",
    '{"source": "x", "detail-type": "y", "id": "\\ud800", "detail": "\\ud800"}',
    '{"Service": "Amazon S3", "Event": "s3:TestEvent", "Records": []}',
]  # fmt: skip


@pytest.mark.parametrize("body", ODD_BODIES, ids=range(len(ODD_BODIES)))
def test_no_body_crashes_and_each_has_a_name(body: str) -> None:
    wanted = of_message(message(body))
    assert wanted == of_message(message(body))
    for each in wanted:
        assert core_of(video_id(derived_core(each.at or 0, each.name)))


@pytest.mark.parametrize(
    "odd",
    [{}, {"body": None}, {"body": REQUEST}, {"body": "{}", "attributes": "x"}, {"messageId": 7, "attributes": []}],
    ids=repr,
)
def test_a_message_with_fields_missing_is_still_one_request(odd: Mapping[str, Any]) -> None:
    (asked,) = of_message(odd)
    assert isinstance(asked, Asked)
    assert isinstance(asked.body, bytes)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=()), max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Records", "s3", "object", "key", "source", "detail", "detail-type", "id", "Event", "bucket"]
            )
            | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_nothing_that_lambda_could_hand_over_crashes(event: Any) -> None:
    for each in (*of_event(event, "r-1"), *of_message(message(json.dumps(event)))):
        assert core_of(video_id(derived_core(each.at or 0, each.name)))


@given(JSON)
def test_a_message_may_be_anything_at_all(record: Any) -> None:
    if isinstance(record, dict):
        of_message(record)
        of_message({**message(), **record})


def test_what_stands_in_a_request_is_not_in_its_repr() -> None:
    for wanted in (*of_message(message(messageAttributes=attribute("order-7"))), *of_event(created(), "r")):
        assert "a dog" not in repr(wanted).replace(wanted.name, "")
        assert "order-7" not in repr(wanted)
