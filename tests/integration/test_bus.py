"""The promises of the Bus port, kept by the fake and by the adapter alike; then what only EventBridge can do to us."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from reelay.aws import client
from reelay.bus import SOURCE, EventBridgeBus
from reelay.errors import BusFailed, EventRefused
from reelay.model import Event, Notice
from reelay.s3_failures import ATTEMPTS
from tests.boto_faults import answers, loses
from tests.fakes import FakeBus
from tests.integration import test_queue as queue_tests
from tests.integration.store.place import free_ports
from tests.integration.test_queue import Sqs, inject, refuses

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

    from reelay.ports import Bus

sqs = queue_tests.sqs

COMPLETED = Event(
    Notice.COMPLETED, {"id": "chatcmpl-1", "model": "sora-2", "seconds": 90, "metadata": {"k": "🐕 \ud83d"}}
)
ARCHIVED = Event(Notice.ARCHIVED, {"id": "chatcmpl-1", "kind": "video", "bytes": 7})


@dataclass(frozen=True)
class Ear:
    """A bus, and what whoever listens to it has heard since it was asked last."""

    bus: Bus
    heard: Callable[[], list[Event]]


@dataclass(frozen=True)
class Events:
    """A bus of moto's with a rule that sends all that is ours to a queue."""

    client: EventBridgeClient
    name: str
    sqs: Sqs

    def bus(self) -> EventBridgeBus:
        return EventBridgeBus(self.client, self.name)

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.sqs.bodies()]

    def heard(self) -> list[Event]:
        return [Event(Notice(message["detail-type"]), message["detail"]) for message in self.messages()]


@pytest.fixture
def events(sqs: Sqs) -> Events:
    made, name = client("events"), f"test-{uuid.uuid4().hex}"
    found = sqs.client.get_queue_attributes(QueueUrl=sqs.url, AttributeNames=["QueueArn"])
    made.create_event_bus(Name=name)
    made.put_rule(Name="ours", EventBusName=name, EventPattern=json.dumps({"source": [SOURCE]}))
    made.put_targets(Rule="ours", EventBusName=name, Targets=[{"Id": "1", "Arn": found["Attributes"]["QueueArn"]}])
    return Events(made, name, sqs)


@pytest.fixture
def ear(request: pytest.FixtureRequest) -> Ear:
    """The bus that the test is parametrised with, on which nothing was told yet."""
    if request.param == "fake":
        fake = FakeBus()
        return Ear(fake, lambda: fake.events)
    found: Events = request.getfixturevalue(request.param)
    return Ear(found.bus(), found.heard)


@pytest.mark.parametrize("ear", ["fake", "events"], indirect=True)
class TestPromises:
    def test_what_is_told_is_heard_as_it_was(self, ear: Ear) -> None:
        ear.bus.publish(ARCHIVED)
        assert ear.heard() == [ARCHIVED]

    def test_whatever_json_can_hold_is_heard(self, ear: Ear) -> None:
        ear.bus.publish(COMPLETED)
        assert ear.heard() == [COMPLETED]


class TestEntries:
    def test_an_event_names_its_source_and_its_notice(self, events: Events) -> None:
        events.bus().publish(ARCHIVED)
        (message,) = events.messages()
        assert (message["source"], message["detail-type"]) == ("reelay", "Media Archived")

    def test_nothing_is_told_on_another_bus(self, events: Events) -> None:
        events.client.create_event_bus(Name=f"{events.name}-other")
        EventBridgeBus(events.client, f"{events.name}-other").publish(ARCHIVED)
        assert events.messages() == []


class TestFaults:
    def test_a_busy_bus_is_asked_again(self, events: Events) -> None:
        attempts = inject(events.client, refuses(500, "InternalException"), refuses(400, "ThrottlingException"))
        events.bus().publish(ARCHIVED)
        assert len(attempts) == ATTEMPTS
        assert events.heard() == [ARCHIVED]

    def test_an_event_whose_answer_was_lost_is_heard_at_least_once(self, events: Events) -> None:
        inject(events.client, loses)
        events.bus().publish(ARCHIVED)
        assert set(map(repr, events.heard())) == {repr(ARCHIVED)}

    @pytest.mark.parametrize(
        ("entry", "told"),
        [({"ErrorCode": "InternalFailure", "ErrorMessage": "sk-token"}, "InternalFailure"), ({}, "no code")],
    )
    def test_an_entry_that_was_not_taken_fails_though_the_call_was_answered(
        self, events: Events, entry: dict[str, str], told: str
    ) -> None:
        attempts = inject(events.client, answers(200, json.dumps({"FailedEntryCount": 1, "Entries": [entry]})))
        with pytest.raises(BusFailed, match=rf"\({told}\)") as failed:
            events.bus().publish(ARCHIVED)
        assert "sk-token" not in failed.value.message
        assert len(attempts) == 1

    def test_an_event_that_will_never_be_taken_is_told_apart(self, events: Events) -> None:
        refused = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "MalformedDetail"}]}
        inject(events.client, answers(200, json.dumps(refused)))
        with pytest.raises(EventRefused):
            events.bus().publish(ARCHIVED)

    def test_a_missing_bus_is_told_by_its_code(self, events: Events) -> None:
        with pytest.raises(BusFailed, match="ResourceNotFoundException") as failed:
            EventBridgeBus(events.client, "no-such-bus").publish(ARCHIVED)
        assert "no-such-bus" not in failed.value.message

    @pytest.mark.usefixtures("aws_environment")
    def test_a_bus_that_is_down_fails_without_a_word_of_botos(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", f"http://127.0.0.1:{free_ports(1)[0]}")
        with pytest.raises(BusFailed) as failed:
            EventBridgeBus(client("events"), "reelay").publish(ARCHIVED)
        assert "EndpointConnectionError" in failed.value.message
        assert "127.0.0.1" not in failed.value.message
        assert failed.value.__suppress_context__
