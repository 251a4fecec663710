"""The relay, called with OpenAI's SDK. Whatever goes wrong is a Failure; every wait has an end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import httpx2
import openai

from reelay_cli import __version__
from reelay_cli.posting import posted
from reelay_cli.told import lost, refused
from reelay_cli.video import Video, no_relay

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 60.0
"""A relay answers within seconds; API Gateway gives up after 29 s where answers are buffered."""

LOOK_SECONDS = (0.2, 30.0)
"""How often a video is looked at: as the relay says (`openai-poll-after-ms`), within these."""

PAGE_LIMIT = 100
"""The most videos that a page of the relay's holds (openapi.yaml, `Limit`)."""

MAX_PAGES = 10
"""Read for one list: a page holds few videos or none where the relay keeps other things in between."""

Picture = tuple[str, bytes, str]
Variant = Literal["video", "thumbnail"]


@dataclass(frozen=True, slots=True)
class File:
    """A file on its way: its pieces, and how many bytes they will be, where that is known."""

    size: int | None
    pieces: Iterator[bytes]


class Relay:
    """The videos of one key at one address (without its /v1). `silence` is how many seconds it may say nothing."""

    def __init__(self, url: str, key: str, silence: float = SILENCE_SECONDS) -> None:
        self._client = openai.OpenAI(
            base_url=f"{url}/v1",
            api_key=key,
            timeout=openai.Timeout(silence, connect=min(silence, CONNECT_SECONDS)),
            default_headers={"User-Agent": f"reelay-cli/{__version__}"},
        )
        # What the environment says about an account at OpenAI is nothing for a relay.
        self._client.organization = self._client.project = None
        self._once = self._client.with_options(max_retries=0)

    def hasty(self, seconds: float) -> Relay:
        """The same for somebody who waits no longer, and asks once."""
        made = copy(self)
        made._client = made._once = self._once.with_options(timeout=seconds)  # noqa: SLF001 - its own kind
        return made

    def create(self, name: str, prompt: str, fields: Mapping[str, Any], picture: Picture | None = None) -> Video:
        """Ask for a video, under the Idempotency-Key `name`. `fields` are what the request says besides the prompt;
        `picture` is a file's name, bytes and media type.

        A Failure with `spent` True says that the relay may have begun it all the same.
        """
        headers = {"Idempotency-Key": name}
        file = picture or openai.omit
        ask = partial(self._once.videos.create, prompt=prompt, input_reference=file)
        return posted(name, lambda: _video(ask(extra_body=fields, extra_headers=headers)))

    def remix(self, name: str, id: str, prompt: str) -> Video:
        """Ask for a change to a video; otherwise as `create`."""
        headers = {"Idempotency-Key": name}
        remix = self._once.videos.remix
        return posted(name, lambda: _video(remix(id, prompt=prompt, extra_headers=headers)))

    def look(self, id: str, *, patient: bool = True) -> tuple[Video, float]:
        """The video as it is now, and after how many seconds to look again. Not `patient`: asks once."""
        client = self._client if patient else self._once
        with _telling():
            raw = client.videos.with_raw_response.retrieve(id)
            said = raw.headers.get("openai-poll-after-ms", "")
            least, most = LOOK_SECONDS
            wait = int(said) / 1000 if said.isascii() and said.isdigit() else most
            return _video(raw.parse()), min(max(least, wait), most)

    def videos(self, limit: int, after: str | None = None) -> tuple[list[Video], bool]:
        """Newest first, at most `limit`, those behind the video `after`; and whether there are more."""
        found: list[Video] = []
        for _ in range(MAX_PAGES):
            with _telling():
                most = min(limit - len(found), PAGE_LIMIT)
                page = self._client.videos.list(limit=most, order="desc", after=after or openai.omit)
                if not isinstance(getattr(page, "data", None), list):
                    raise no_relay()
            found += map(_video, page.data)
            after = page.last_id
            if not page.has_more or after is None or len(found) >= limit:
                return found, bool(page.has_more)
        return found, True

    def delete(self, id: str) -> None:
        """Delete a video with all that belongs to it, for good."""
        with _telling():
            self._client.videos.delete(id)

    @contextmanager
    def file(self, id: str, variant: Variant) -> Iterator[File]:
        """The archived video or thumbnail, to be read within the context."""
        with _telling(), self._client.videos.with_streaming_response.download_content(id, variant=variant) as answer:
            if not answer.headers.get("Content-Type", "").startswith(("video/", "image/")):
                raise no_relay()
            length = answer.headers.get("Content-Length", "")
            yield File(int(length) if length.isdigit() else None, answer.iter_bytes())


def published(url: str) -> tuple[Any, str]:
    """The contract that the relay at `url` publishes, and the time that it says it is (RFC 9110, section 5.6.7, or "").

    Everybody may read it, so no key is sent. Raises Failure.
    """
    with _telling():
        answer = httpx2.get(f"{url}/openapi.json", timeout=CONNECT_SECONDS)
        if answer.status_code != 200:
            raise no_relay()
        return answer.json(), answer.headers.get("Date", "")


@contextmanager
def _telling() -> Iterator[None]:
    """What the SDK raises, as a Failure. Reading costs nothing, so nothing is said about money."""
    try:
        yield
    except openai.APIStatusError as error:
        failure = refused(error)
        failure.spent = None
        raise failure from None
    except (openai.APIConnectionError, httpx2.HTTPError) as error:
        raise lost(error) from None
    except (openai.OpenAIError, ValueError):
        raise no_relay() from None


def _video(answer: Any) -> Video:
    return Video.of(answer.to_dict(mode="json", warnings=False) if isinstance(answer, openai.BaseModel) else None)
