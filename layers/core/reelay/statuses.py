"""Asking the upstream, or whoever knows its jobs, what became of one: the adapter behind `ports.Statuses`.

Two answers are understood, both of siblings of v98store:

    GET /api/share/{task_id}                  {"content": {"status", "progress", "url"}}
    GET /v1/video/query?id={model}:{task_id}  {"id", "status", "video_url"}
"""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError

from reelay import strict_json
from reelay.connection import Dialer, Endpoint, Resolve, endpoint, look_up, verified
from reelay.errors import BadRequest, KeyUnavailable, UpstreamSilent
from reelay.handoff import Handoff, Over
from reelay.model import Failed, Told

if TYPE_CHECKING:
    from reelay.ports import Keys

TOTAL_SECONDS = 10.0
"""For one question, from the look-up to the last byte: ours. The answer is some hundred bytes from memory, and the next
question comes 30 s later."""

STEP_SECONDS = 3.0
"""Each for the name, the connection and the TLS handshake; SYN is repeated after 1 s, so one may be lost."""

ANSWER_BYTES = 64 * 1024
"""The most that is read of an answer: ours. Those known have some hundred."""

MODEL_CHARACTERS = 256
"""Ours: the longest model names in use have some 60; the rest would only make a URL that no server takes."""

LINK_CHARACTERS = 2000
"""The longest link that is believed, as in a completion's text (`links.MAX_LINK_CHARACTERS`)."""

TASK_ID = "{task_id}"
MODEL = "{model}"
"""What a template holds for the names of a job."""

_STATUSES = {
    "pending": "queued",
    "queued": "queued",
    "processing": "in_progress",
    "in_progress": "in_progress",
    "completed": "completed",
    "succeeded": "completed",
    "failed": "failed",
    "cancelled": "failed",
}
_TASK_ID = re.compile(r"[A-Za-z0-9_:-]{1,128}\Z", re.ASCII)
_IN_A_URL = re.compile(r"[!$-;=?-\[\]_a-z~]+", re.ASCII)
_LINK = re.compile(r"""https?://[^\s<>"')\]]+""")
_HEADERS = {"User-Agent": "reelay", "Accept": "application/json", "Accept-Encoding": "identity", "Connection": "close"}


class HttpsStatuses:
    """Keeps the promises of `ports.Statuses`.

    `template` is an https URL that holds `{task_id}`, and `{model}` where it is asked for, in path or query. The key of
    `keys` goes along only where the template's scheme, host and port are those of `authorized_origin`, the upstream's
    own base URL. ValueError for anything else: for http unless `plain_http` allows it by name, for credentials or a
    fragment, and for a `tls` that would not verify. `seconds` bounds a question, but for the reading of the key.
    """

    def __init__(  # noqa: PLR0913 - three settings, three seams and a limit, by name and all but the template with a default
        self,
        template: str,
        keys: Keys | None = None,
        *,
        authorized_origin: str | None = None,
        plain_http: bool = False,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = look_up,
        seconds: float = TOTAL_SECONDS,
    ) -> None:
        place, self._target = _parts(template, plain_http=plain_http)
        upstream = endpoint(authorized_origin, plain_http=plain_http) if authorized_origin else None
        self._keys = keys if upstream and _origin(upstream) == _origin(place) else None
        self._dialer = Dialer(place, verified(tls) if place.secure else None, resolve, min(STEP_SECONDS, seconds))
        self._authority = place.authority
        self._seconds = seconds

    def ask(self, task_id: str, model: str) -> Told | None:
        """What is said of the job; None when it is not known or cannot be asked after now. Never raises for what the
        network does, and never follows a redirect."""
        target = self._filled(task_id, model)
        if target is None:
            return None
        try:
            headers = self._headers()
            with _watched(self._seconds) as handoff:
                return told_in(self._answer(target, headers, handoff))
        except (OSError, HTTPException, HTTPError, KeyUnavailable, Over):
            return None

    def _filled(self, task_id: str, model: str) -> str | None:
        """The template with both names in it, each as one piece of a path or a query; None for what cannot be one."""
        if not _TASK_ID.match(task_id) or not 0 < len(model) <= MODEL_CHARACTERS or model in (".", ".."):
            return None
        try:
            named = quote(model, safe="")
        except UnicodeEncodeError:  # half of a surrogate pair, which JSON can carry
            return None
        return self._target.replace(TASK_ID, quote(task_id, safe="")).replace(MODEL, named)

    def _headers(self) -> dict[str, str]:
        ours = {"Host": self._authority, **_HEADERS}
        return {**ours, "Authorization": f"Bearer {self._keys.key()}"} if self._keys else ours

    def _answer(self, target: str, headers: dict[str, str], handoff: Handoff) -> bytes:
        """The body of a 200 of at most ANSWER_BYTES, else b""."""
        with self._dialer.open(handoff.hold) as sock:
            connection = HTTPConnection(self._authority, timeout=self._seconds)
            connection.sock = sock
            connection.request("GET", target, headers=headers, preload_content=False, decode_content=False)
            with connection.getresponse() as reply:
                if reply.status != 200:
                    return b""
                body = bytearray()
                while len(body) <= ANSWER_BYTES and (piece := reply.read1(ANSWER_BYTES)):
                    body += piece
        handoff.check()  # a socket that was shut down reads like the end of a body
        return bytes(body) if len(body) <= ANSWER_BYTES else b""


def told_in(body: bytes) -> Told | None:
    """What an answer tells, or None for whatever is not one of the two that are understood."""
    try:
        answer = strict_json.decode(body)
    except BadRequest:
        return None
    match answer:
        case {"content": {"status": str(word)} as job}:
            link = job.get("url")
        case {"status": str(word)} as job:
            link = job.get("video_url")
        case _:
            return None
    status = _STATUSES.get(word.lower())
    if status == "completed":
        return Told(status, 100, _link(link))
    return Told(status, _percent(job.get("progress"))) if status else None


def _percent(value: Any) -> int:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else 0
    return int(min(max(number, 0), 100))


def _link(value: Any) -> str | None:
    fits = isinstance(value, str) and len(value) <= LINK_CHARACTERS and _LINK.fullmatch(value)
    return value if fits else None


def _parts(template: str, *, plain_http: bool) -> tuple[Endpoint, str]:
    """Where to ask, and the rest of the template. Raises ValueError, without repeating it."""
    try:
        parts = urlsplit(template)
        place = endpoint(f"{parts.scheme}://{parts.netloc}", plain_http=plain_http)
    except ValueError:
        raise ValueError("the status URL has to begin with https:// and a host, without credentials") from None
    if not _IN_A_URL.fullmatch(template.replace(TASK_ID, "").replace(MODEL, "")):
        raise ValueError("the status URL holds a fragment or a character that a URL may not hold (RFC 3986)")
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path
    if TASK_ID not in target:
        raise ValueError("the status URL has to hold {task_id} in its path or query")
    return place, target


def _origin(place: Endpoint) -> tuple[bool, str, int]:
    return place.secure, place.host, place.port


@contextmanager
def _watched(seconds: float) -> Iterator[Handoff]:
    """Shuts the socket that the handoff is told of, when the time is up.

    Only that is a total limit: a socket's own time-out begins anew with every byte, and so does urllib3's.
    """
    handoff = Handoff(1, Failed(UpstreamSilent("The upstream was asked after a job and did not answer in time.")))
    watchdog = threading.Timer(seconds, handoff.interrupt)
    watchdog.name, watchdog.daemon = "status-watchdog", True
    watchdog.start()
    try:
        yield handoff
    finally:
        watchdog.cancel()
