"""openapi.yaml itself: valid, shown by examples that are true, and as wide as what OpenAI documents."""

from __future__ import annotations

import itertools
import json
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessageParam
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsBase,
    CompletionCreateParamsNonStreaming,
)
from openai.types.chat.completion_list_params import CompletionListParams
from openai.types.completion_usage import CompletionUsage
from openai.types.image_input_reference_param import ImageInputReferenceParam
from openai.types.video import Video
from openai.types.video_create_params import VideoCreateParams
from openai.types.video_delete_response import VideoDeleteResponse
from openai.types.video_list_params import VideoListParams
from openai.types.video_remix_params import VideoRemixParams
from openapi_spec_validator import validate

from dev.contract_files import SOURCE, write_contract_files
from reelay.contract import Contract
from reelay.errors import BadRequest
from reelay.faults import Checker
from reelay.model import Notice
from reelay.routes import METHODS
from tests.contract.bad_inputs import CHAT, VIDEOS, request
from tests.contract.proxy_events import form_event, form_part, rest_event

PROMPT = (
    "an astronaut golden retriever named Sora levitates around an intergalactic pup-themed space station with a tiny "
    "jet back that propels him. gorgeous specular lighting and comets fly through the sky, retro-future astro-themed "
    "music plays in the background. light glimmers off the dog's eyes. the dog initially propels towards the space "
    "station with the doors opening to let him in. the shot then changes. now inside the space station, many tennis "
    "balls are flying around in zero gravity. the dog's astronaut helmet opens up so he can grab one. 35mm film, the "
    "intricate details and texturing of the dog's hair are clearly visible and the light of the comets shimmers off "
    "the fur."
)
OPERATIONS = {
    "createChatCompletion": ("POST", CHAT),
    "listChatCompletions": ("GET", CHAT),
    "getChatCompletion": ("GET", f"{CHAT}/{{completion_id}}"),
    "updateChatCompletion": ("POST", f"{CHAT}/{{completion_id}}"),
    "deleteChatCompletion": ("DELETE", f"{CHAT}/{{completion_id}}"),
    "getChatCompletionMessages": ("GET", f"{CHAT}/{{completion_id}}/messages"),
    "createVideo": ("POST", VIDEOS),
    "listVideos": ("GET", VIDEOS),
    "getVideo": ("GET", f"{VIDEOS}/{{video_id}}"),
    "deleteVideo": ("DELETE", f"{VIDEOS}/{{video_id}}"),
    "remixVideo": ("POST", f"{VIDEOS}/{{video_id}}/remix"),
    "retrieveVideoContent": ("GET", "/v1/videos/{video_id}/content"),
    "getContractYaml": ("GET", "/openapi.yaml"),
    "getContractJson": ("GET", "/openapi.json"),
    "getDocs": ("GET", "/docs"),
    "getDocsFile": ("GET", "/docs/{version}/{file}"),
    "getStudio": ("GET", "/"),
    "getStudioFile": ("GET", "/studio/{version}/{file}"),
}
DOCUMENT: dict[str, Any] = yaml.safe_load(SOURCE.read_bytes())


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def resolved(node: Any) -> Any:
    while isinstance(node, dict) and "$ref" in node:
        target: Any = DOCUMENT
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def nodes(node: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    yield place, node
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from nodes(child, f"{place}/{key}")


def request_examples() -> Iterator[Any]:
    for method, path, operation in operations():
        for name, example in (
            operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("examples", {}).items()
        ):
            yield pytest.param(method, path, operation["operationId"], example["value"], id=name)


def webhook_examples() -> Iterator[Any]:
    for name, item in DOCUMENT["webhooks"].items():
        content = item["post"]["requestBody"]["content"]["application/json"]
        for example, shown in content["examples"].items():
            yield pytest.param(content["schema"], shown["value"], id=f"{name}-{example}")


def answer_examples() -> Iterator[Any]:
    for _, _, operation in operations():
        for status, response in operation["responses"].items():
            for media_type, content in resolved(response).get("content", {}).items():
                for name, example in content["examples"].items():
                    yield pytest.param(
                        operation["operationId"],
                        int(status.replace("XX", "18")),
                        {"Content-Type": media_type},
                        example["value"],
                        id=f"{operation['operationId']}-{status}-{name}",
                    )


def test_it_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert DOCUMENT["info"]["version"] == "0.1.0"
    assert DOCUMENT["servers"] == [{"url": "/"}]
    validate(DOCUMENT)


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
def test_each_schema_compiles(name: str) -> None:
    checker = Checker(DOCUMENT["components"]["schemas"][name], DOCUMENT["components"])
    assert isinstance(checker.faults({}), list)


def test_no_key_stands_twice_in_a_mapping() -> None:
    def walk(node: yaml.Node | None) -> None:
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value]
            assert len(keys) == len(set(keys)), f"line {node.start_mark.line + 1}: {keys}"
            for _, value in node.value:
                walk(value)
        elif isinstance(node, yaml.SequenceNode):
            for value in node.value:
                walk(value)

    walk(yaml.compose(SOURCE.read_text(encoding="utf-8"), Loader=yaml.SafeLoader))


def test_nothing_in_it_is_known_to_break_or_to_be_of_aws_alone() -> None:
    for place, node in nodes(DOCUMENT):
        if isinstance(node, dict):
            assert "discriminator" not in node, place
            assert node.get("format") != "byte", place
            assert not any(str(key).startswith("x-amazon-") for key in node), place


def test_it_uses_no_yaml_that_other_tools_may_not_know() -> None:
    events = yaml.parse(SOURCE.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    for event in events:
        assert not isinstance(event, yaml.AliasEvent), event.start_mark
        assert getattr(event, "tag", None) is None, event.start_mark


def test_its_operations_are_the_ones_that_there_are() -> None:
    found = {operation["operationId"]: (method, path) for method, path, operation in operations()}
    assert found == OPERATIONS


def test_a_webhook_is_told_to_people_and_asks_nothing_of_who_receives_it() -> None:
    for name, item in DOCUMENT["webhooks"].items():
        assert [*item] == ["post"], name
        assert item["post"]["summary"]
        assert item["post"]["tags"] == ["Events"]
        assert item["post"]["security"] == []


@pytest.mark.parametrize("operation", [each for _, _, each in operations()], ids=lambda each: each["operationId"])
def test_each_operation_is_told_to_people_and_shown(operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert operation["tags"]
    contents = [operation.get("requestBody", {})] + [resolved(each) for each in operation["responses"].values()]
    for content in itertools.chain.from_iterable(each.get("content", {}).values() for each in contents):
        assert content["examples"]
        assert all(example["summary"] for example in content["examples"].values())


def test_every_component_is_used() -> None:
    used = {node["$ref"] for _, node in nodes(DOCUMENT) if isinstance(node, dict) and "$ref" in node}
    for kind, components in DOCUMENT["components"].items():
        for name in components:
            assert f"#/components/{kind}/{name}" in used or name in ("bearer", "ChatCompletionChunk"), name


@pytest.mark.parametrize(("method", "path", "operation", "value"), [*request_examples()])
def test_each_request_example_is_taken_as_it_stands(
    contract: Contract, method: str, path: str, operation: str, value: Any
) -> None:
    call = contract.read(rest_event(method, path, body=value))
    assert (call.operation, call.body) == (operation, value)


def test_each_example_of_a_form_is_taken_as_it_stands(contract: Contract) -> None:
    shown = DOCUMENT["paths"][VIDEOS]["post"]["requestBody"]["content"]["multipart/form-data"]["examples"]
    for example in shown.values():
        call = contract.read(form_event(*[form_part(*field) for field in example["value"].items()]))
        assert call.body == {"model": "sora-2", **example["value"]}


@pytest.mark.parametrize(("schema", "event"), [*webhook_examples()])
def test_each_example_of_an_event_conforms(contract: Contract, schema: Any, event: Any) -> None:
    assert Checker(resolved(schema), DOCUMENT["components"]).faults(event) == []
    assert contract.event_faults(event["detail-type"], event["detail"]) == []


def test_there_is_a_webhook_for_each_notice_and_it_holds_the_detail_that_is_checked() -> None:
    details = {}
    for item in DOCUMENT["webhooks"].values():
        schema = resolved(item["post"]["requestBody"]["content"]["application/json"]["schema"])
        own = schema["allOf"][1]["properties"]
        details[own["detail-type"]["const"]] = own["detail"]["$ref"].rpartition("/")[2]
    assert details == {
        Notice.COMPLETED: "CompletedDetail",
        Notice.FAILED: "FailedDetail",
        Notice.ARCHIVED: "ArchivedDetail",
    }
    assert set(DOCUMENT["components"]["schemas"]["Event"]["properties"]["detail-type"]["enum"]) == set(Notice)


@pytest.mark.parametrize(("operation", "status", "headers", "value"), [*answer_examples()])
def test_each_answer_example_conforms(
    contract: Contract, operation: str, status: int, headers: dict[str, str], value: Any
) -> None:
    body = value if isinstance(value, str) else json.dumps(value)
    assert contract.answer_faults(operation, status, headers, body.encode()) == []


def test_each_example_of_a_parameter_or_header_conforms() -> None:
    shown = [node for _, node in nodes(DOCUMENT) if isinstance(node, dict) and "example" in node and "schema" in node]
    assert len(shown) > 10
    for each in shown:
        assert Checker(resolved(each["schema"]), DOCUMENT["components"]).faults(each["example"]) == [], each


def test_no_example_stands_where_nothing_holds_it_to_a_schema() -> None:
    """Those of bodies are held to theirs above, and sent by tests/e2e/test_examples.py."""
    shown = [
        (place, node)
        for place, node in nodes(DOCUMENT)
        if isinstance(node, dict) and "/examples/" not in place and {"example", "examples"} & node.keys()
    ]
    assert len(shown) > 40
    assert [place for place, node in shown if "schema" not in node] == []
    bodies = [place for place, node in shown if "examples" in node]
    assert [place for place in bodies if "/content/" not in place] == []


def test_each_parameter_and_header_has_an_example_and_says_what_it_is() -> None:
    lists = [
        node["parameters"]
        for _, node in nodes(DOCUMENT["paths"])
        if isinstance(node, dict) and isinstance(node.get("parameters"), list)  # those of a link are a mapping
    ]
    for parameter in [resolved(each) for each in itertools.chain(*lists)] + [
        *DOCUMENT["components"]["headers"].values()
    ]:
        assert parameter["description"], parameter
        assert "example" in parameter, parameter


def test_the_documented_request_is_among_the_examples_word_for_word() -> None:
    body = DOCUMENT["paths"][CHAT]["post"]["requestBody"]["content"]["application/json"]
    assert body["examples"]["createVideo"]["value"] == {
        "model": "sora-2",
        "max_tokens": 1000,
        "messages": [{"role": "user", "content": PROMPT}],
        "stream": True,
    }


def test_the_documented_reply_is_among_the_examples_with_what_it_lacks() -> None:
    shown = DOCUMENT["paths"][CHAT]["post"]["responses"]["200"]["content"]["application/json"]["examples"]
    reply = shown["documented"]["value"]
    ChatCompletion.model_validate(reply)
    [choice] = reply["choices"]
    assert choice["message"]["content"] == "\n\nHello there, how may I assist you today?"
    assert (choice["finish_reason"], choice["index"], reply["created"]) == ("stop", 0, 1677652288)
    assert reply["usage"] == {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}


# ── As wide as what OpenAI documents, as its own client has it ──

DOCUMENTED = typing.get_type_hints(CompletionCreateParamsBase) | {
    "stream": typing.get_type_hints(CompletionCreateParamsNonStreaming)["stream"]
}
REQUEST = DOCUMENT["components"]["schemas"]["ChatCompletionRequest"]


def literals(hint: Any) -> set[Any]:
    """The words of a Literal, however deep in a hint."""
    if typing.get_origin(hint) is typing.Literal:
        return set(typing.get_args(hint))
    return set().union(*[literals(each) for each in typing.get_args(hint)])


def test_every_field_of_the_request_that_openai_documents_is_in_the_contract_and_no_other() -> None:
    assert set(REQUEST["properties"]) == set(DOCUMENTED)


@pytest.mark.parametrize("field", sorted(DOCUMENTED))
def test_a_field_takes_null_where_openai_takes_null(contract: Contract, field: str) -> None:
    optional = type(None) in typing.get_args(DOCUMENTED[field])
    event = rest_event("POST", CHAT, body=request(**{field: None}))
    if optional:
        assert contract.read(event).body[field] is None
        return
    with pytest.raises(BadRequest) as caught:
        contract.read(event)
    assert caught.value.param == field


@pytest.mark.parametrize(
    "field", ["modalities", "prompt_cache_retention", "reasoning_effort", "service_tier", "verbosity"]
)
def test_a_field_takes_the_words_that_openai_documents(field: str) -> None:
    schema = REQUEST["properties"][field]
    words = schema.get("items", schema)["enum"]
    assert set(words) - {None} == literals(DOCUMENTED[field])


def test_roles_are_the_ones_that_openai_documents() -> None:
    roles = {
        role
        for message in typing.get_args(ChatCompletionMessageParam)
        for role in literals(typing.get_type_hints(message)["role"])
    }
    assert set(DOCUMENT["components"]["schemas"]["Message"]["properties"]["role"]["enum"]) == roles


@pytest.mark.parametrize(
    ("schema", "model"), [("ChatCompletion", ChatCompletion), ("ChatCompletionChunk", ChatCompletionChunk)]
)
def test_an_answer_has_the_fields_that_the_client_reads(schema: str, model: Any) -> None:
    ours = DOCUMENT["components"]["schemas"][schema]
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    assert set(ours["required"]) == required
    [choice] = typing.get_args(model.model_fields["choices"].annotation)
    finishes = ours["properties"]["choices"]["items"]["properties"]["finish_reason"]["enum"]
    assert set(finishes) - {None} == literals(choice.model_fields["finish_reason"].annotation)


def test_usage_has_the_fields_that_the_client_reads() -> None:
    required = {name for name, field in CompletionUsage.model_fields.items() if field.is_required()}
    assert set(DOCUMENT["components"]["schemas"]["Usage"]["required"]) == required


def test_a_listing_takes_the_parameters_that_the_client_sends() -> None:
    parameters = {resolved(each)["name"] for each in DOCUMENT["paths"][CHAT]["get"]["parameters"]}
    assert parameters == set(typing.get_type_hints(CompletionListParams))


@pytest.mark.parametrize(
    ("schema", "documented"),
    [("VideoRequest", VideoCreateParams), ("VideoRemixRequest", VideoRemixParams)],
)
def test_a_request_for_a_video_has_the_fields_that_openai_documents_and_labels(schema: str, documented: Any) -> None:
    ours = DOCUMENT["components"]["schemas"][schema]
    hints = typing.get_type_hints(documented, include_extras=True)
    assert set(ours["properties"]) == {*hints, "metadata"}
    assert set(ours["required"]) == {name for name, hint in hints.items() if typing.get_origin(hint) is typing.Required}


def test_a_picture_is_referred_to_in_the_ways_that_openai_documents() -> None:
    picture = DOCUMENT["components"]["schemas"]["VideoRequest"]["properties"]["input_reference"]
    assert set(picture["properties"]) == set(typing.get_type_hints(ImageInputReferenceParam))


@pytest.mark.parametrize(("schema", "model"), [("Video", Video), ("VideoDeleted", VideoDeleteResponse)])
def test_a_video_has_every_field_that_the_client_reads_and_no_other(schema: str, model: Any) -> None:
    ours = DOCUMENT["components"]["schemas"][schema]
    assert set(ours["required"]) == set(ours["properties"]) == set(model.model_fields)


def test_a_video_is_in_the_states_that_the_client_knows() -> None:
    states = DOCUMENT["components"]["schemas"]["Video"]["properties"]["status"]["enum"]
    assert set(states) == literals(Video.model_fields["status"].annotation)


def test_a_listing_of_videos_takes_the_parameters_that_the_client_sends_and_the_filters_of_completions() -> None:
    parameters = {resolved(each)["name"] for each in DOCUMENT["paths"][VIDEOS]["get"]["parameters"]}
    assert parameters == {*typing.get_type_hints(VideoListParams), "model", "metadata"}


@pytest.mark.parametrize("name", ["EventDetail", "EventMedia"])
def test_an_event_has_no_room_for_what_is_not_documented(name: str) -> None:
    for place, node in nodes(DOCUMENT["components"]["schemas"][name]):
        if isinstance(node, dict) and "properties" in node and "type" in node:
            assert node["additionalProperties"] is False, place


def test_no_part_of_a_request_refuses_unknown_fields() -> None:
    seen: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            assert node.get("additionalProperties") is not False
            reference = node.get("$ref")
            if reference and reference not in seen:
                seen.add(reference)
                walk(resolved(node))
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    walk(REQUEST)
    walk(DOCUMENT["components"]["schemas"]["VideoRequest"])
    walk(DOCUMENT["components"]["schemas"]["VideoRemixRequest"])
    assert len(seen) > 10


# ── The copies beside the code ──


def test_the_packaged_copies_are_the_document(contract: Contract) -> None:
    assert contract.yaml == SOURCE.read_bytes()
    assert json.loads(contract.json) == DOCUMENT


def test_copies_are_written_when_they_differ_and_left_alone_when_not(tmp_path: Path) -> None:
    source = tmp_path / "source.yaml"
    source.write_text("openapi: 3.1.0\n")
    package = tmp_path / "package"
    package.mkdir()
    written = write_contract_files(source, package)
    assert sorted(path.name for path in written) == ["openapi.json", "openapi.yaml"]
    assert (package / "openapi.json").read_text() == '{"openapi":"3.1.0"}\n'
    assert write_contract_files(source, package) == []
    source.write_text("openapi: 3.1.1\n")
    (package / "openapi.json").write_text('{"openapi":"3.1.1"}\n')
    assert [path.name for path in write_contract_files(source, package)] == ["openapi.yaml"]
    assert sorted(path.name for path in package.iterdir()) == ["openapi.json", "openapi.yaml"]
