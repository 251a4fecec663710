"""What the installed `openai` package publishes: the fields of its answers, its parameters and its methods."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin, get_type_hints

import openai
from openai.pagination import SyncConversationCursorPage, SyncCursorPage
from openai.resources.chat.completions.completions import Completions
from openai.resources.chat.completions.messages import Messages
from openai.resources.videos import Videos
from openai.types import (
    Video,
    VideoDeleteResponse,
    video_create_params,
    video_download_content_params,
    video_list_params,
    video_remix_params,
)
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionDeleted,
    ChatCompletionStoreMessage,
    completion_create_params,
    completion_list_params,
    completion_update_params,
)
from openai.types.chat.completions import message_list_params

VERSION = openai.__version__

ANSWERS: Mapping[str, type[openai.BaseModel]] = {
    "ChatCompletion": ChatCompletion,
    "ChatCompletionChunk": ChatCompletionChunk,
    "ChatCompletionStoreMessage": ChatCompletionStoreMessage,
    "ChatCompletionDeleted": ChatCompletionDeleted,
    "SyncCursorPage": SyncCursorPage,
    "Video": Video,
    "VideoDeleteResponse": VideoDeleteResponse,
    "SyncConversationCursorPage": SyncConversationCursorPage,
}
PARAMETERS: Mapping[str, tuple[type, ...]] = {
    "CompletionCreateParams": (
        completion_create_params.CompletionCreateParamsNonStreaming,
        completion_create_params.CompletionCreateParamsStreaming,
    ),
    "CompletionListParams": (completion_list_params.CompletionListParams,),
    "CompletionUpdateParams": (completion_update_params.CompletionUpdateParams,),
    "MessageListParams": (message_list_params.MessageListParams,),
    "VideoCreateParams": (video_create_params.VideoCreateParams,),
    "VideoRemixParams": (video_remix_params.VideoRemixParams,),
    "VideoListParams": (video_list_params.VideoListParams,),
    "VideoDownloadContentParams": (video_download_content_params.VideoDownloadContentParams,),
}
METHODS: Mapping[str, type] = {
    "chat.completions": Completions,
    "chat.completions.messages": Messages,
    "videos": Videos,
}


def published() -> dict[str, list[str]]:
    """The names by section. Those of an answer are paths: `choices[].message.content` is a field of a list's items,
    and what the variants of a union have in common is one field."""
    return {
        **{name: _each_once(_fields(model, "")) for name, model in ANSWERS.items()},
        **{
            name: _each_once(each for kind in kinds for each in get_type_hints(kind))
            for name, kinds in PARAMETERS.items()
        },
        **{name: _methods(resource) for name, resource in METHODS.items()},
    }


def _each_once(names: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _fields(model: type[openai.BaseModel], before: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield f"{before}{name}"
        yield from _below(field.annotation, f"{before}{name}")


def _below(annotation: Any, place: str) -> Iterator[str]:
    """The fields inside a value of this type; a map's keys are the model's to choose, so they are none."""
    if inspect.isclass(annotation) and issubclass(annotation, openai.BaseModel):
        yield from _fields(annotation, f"{place}.")
    elif get_origin(annotation) is list:
        yield from _below(get_args(annotation)[0], f"{place}[]")
    elif get_origin(annotation) is not dict:
        for part in get_args(annotation):
            yield from _below(part, place)


def _methods(resource: type) -> list[str]:
    return [name for name, value in vars(resource).items() if inspect.isfunction(value) and not name.startswith("_")]
