"""A record as a JSON document, and where in the bucket its parts lie. No I/O.

kept/records/{tenant}/{inverted core}.json      the document; listed in key order the newest comes first
kept/requests/{tenant}/{core}.json              the request, where it is too large for the document
kept/oldest/{tenant}/{core}                     empty; listed in key order the oldest comes first
kept/transcripts/{tenant}/{core}                the upstream's bytes, without the key
kept/media/{tenant}/{core}/                     what the archive keeps
claims/{tenant}/{SHA-256 of name}.json          which record a name stands for; apart, for a lifecycle rule to name
claims/{tenant}/deleted/{core}                  empty; says that the record was deleted
tallies/{tenant}.json                           what the tenant made the service pay for
open/{core}/{tenant}                            empty; something is left to do; listed over all tenants, oldest first

The kind comes before the tenant, so that a lifecycle rule and a role's policy can name one kind of all tenants.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from typing import Any

from reelay.errors import NotFound
from reelay.ids import completion_id, core_of, inverted
from reelay.model import Job, Json, Media, MediaKind, Phase, Problem, Record, VideoRequest

SCHEMA = 1
"""Goes up when a reader of the old form would misread the new one; a field more does not."""

KEPT_PREFIX = "kept/"
"""Under which lies all that is kept of records."""

WATCH_PREFIX = "open/"
"""Under which lies what is left to do. A core begins with its time, so listed in key order the oldest comes first."""

_TENANT = re.compile(r"(?:[0-9a-f]{32}|anonymous|events)\Z", re.ASCII)
_ELSEWHERE = frozenset({"version"})


@dataclass(frozen=True, slots=True)
class Document:
    """A revision of a record as it is stored.

    `write_id` names the write, so that a writer whose answer got lost knows its own revision when it sees it.
    `apart` says that the request lies in an object of its own; then the document and its `record` have none.
    """

    record: Record
    write_id: str
    apart: bool


def encode(document: Document) -> bytes:
    """The document as JSON in ASCII, which carries every string that JSON can, lone surrogates included."""
    record = document.record
    body = {field.name: getattr(record, field.name) for field in fields(Record) if field.name not in _ELSEWHERE}
    body["request"] = None if document.apart else record.request
    body["problem"] = asdict(record.problem) if record.problem else None
    body["media"] = [asdict(media) for media in record.media]
    body["video"] = asdict(record.video) if record.video else None
    return encode_json({"schema": SCHEMA, "write_id": document.write_id, "apart": document.apart, **body})


def decode(raw: bytes) -> Document:
    """The document again; `record.version` stays empty. Unknown fields are left out, absent ones get their defaults.

    Raises ValueError for anything that is not a document of this schema; its words hold nothing of the document.
    """
    body = json.loads(raw)
    if not isinstance(body, dict) or body.get("schema") != SCHEMA:
        raise ValueError(f"not a record of schema {SCHEMA}")
    try:
        return Document(_record(body), body["write_id"], body["apart"])
    except (KeyError, TypeError, AttributeError, ValueError):
        raise ValueError(f"a record of schema {SCHEMA} with fields missing or of another type") from None


def encode_json(value: object) -> bytes:
    """Compact JSON in ASCII."""
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def decode_request(raw: bytes) -> Json:
    """A request that was kept apart. Raises ValueError for what is not a JSON object."""
    request = json.loads(raw)
    if not isinstance(request, dict):
        raise ValueError("not a JSON object")
    return request


def records_prefix(tenant: str) -> str:
    """Under which the tenant's documents lie, newest first. Every key raises NotFound for what cannot be a tenant."""
    return f"{KEPT_PREFIX}records/{_tenant(tenant)}/"


def oldest_prefix(tenant: str) -> str:
    """Under which the tenant's markers lie, oldest first."""
    return f"{KEPT_PREFIX}oldest/{_tenant(tenant)}/"


def media_prefix(tenant: str, core: str) -> str:
    """Under which a record's media lie. This and every key below raise NotFound for what cannot be an id of ours."""
    return f"{KEPT_PREFIX}media/{_tenant(tenant)}/{_checked(core)}/"


def record_key(tenant: str, core: str) -> str:
    """Where a record's document lies."""
    return f"{records_prefix(tenant)}{inverted(_checked(core))}.json"


def marker_key(tenant: str, core: str) -> str:
    """Where a record's marker for the oldest-first order lies."""
    return f"{oldest_prefix(tenant)}{_checked(core)}"


def request_key(tenant: str, core: str) -> str:
    """Where a request too large for the document lies."""
    return f"{KEPT_PREFIX}requests/{_tenant(tenant)}/{_checked(core)}.json"


def transcript_key(tenant: str, core: str) -> str:
    """Where the upstream's bytes lie."""
    return f"{KEPT_PREFIX}transcripts/{_tenant(tenant)}/{_checked(core)}"


def claim_key(tenant: str, name: str) -> str:
    """Where the claim on a name lies; `name` is any text, and the key shows nothing of it. Raises NotFound for what
    cannot be a tenant."""
    return f"claims/{_tenant(tenant)}/{name_digest(name)}.json"


def deleted_key(tenant: str, core: str) -> str:
    """Where it says that a record was deleted, for as long as a claim may still lead to it."""
    return f"claims/{_tenant(tenant)}/deleted/{_checked(core)}"


def watch_key(tenant: str, core: str) -> str:
    """Where it says that something is left to do for a record."""
    return f"{WATCH_PREFIX}{_checked(core)}/{_tenant(tenant)}"


def tally_key(tenant: str) -> str:
    """Where the tally of a tenant lies."""
    return f"tallies/{_tenant(tenant)}.json"


def name_digest(name: str) -> str:
    """The hex SHA-256 that stands for a name. Each text has its own, lone surrogates (which JSON can carry) too."""
    return sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def core_in(key: str) -> str | None:
    """The core that a listed document's or marker's key names, or None for an object that is not ours."""
    name = key.rpartition("/")[2]
    stem = name.removesuffix(".json")
    core = stem if stem == name else inverted(stem)
    return core_of(completion_id(core))


def watched_in(key: str) -> Job | None:
    """The job that a listed watch marker's key names, or None for an object that is not ours."""
    core, _, tenant = key.removeprefix(WATCH_PREFIX).partition("/")
    return job_of(tenant, core)


def job_of(tenant: str, core: str) -> Job | None:
    """The job of these names, or None for what cannot be a tenant's and a record's."""
    possible = _TENANT.match(tenant) and core_of(completion_id(core))
    return Job(tenant, core) if possible else None


def no_record() -> NotFound:
    """The one answer for whatever is not there, so that nobody learns why."""
    return NotFound("No such completion: it was never made with this key, or it was deleted.")


def _tenant(tenant: str) -> str:
    if not _TENANT.match(tenant):
        raise no_record()
    return tenant


def _checked(core: str) -> str:
    if core_of(completion_id(core)) is None:
        raise no_record()
    return core


def _record(body: Mapping[str, Any]) -> Record:
    values = _known(Record, body)
    problem, video = body.get("problem"), body.get("video")
    values["phase"] = Phase(body["phase"])
    values["problem"] = Problem(**_known(Problem, problem)) if problem else None
    values["media"] = tuple(_media(media) for media in body.get("media", ()))
    values["video"] = VideoRequest(**_known(VideoRequest, video)) if video else None
    return Record(**values)


def _media(body: Mapping[str, Any]) -> Media:
    return Media(**{**_known(Media, body), "kind": MediaKind(body["kind"])})


def _known(kind: type[Record | Media | Problem | VideoRequest], body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        field.name: body[field.name] for field in fields(kind) if field.name in body and field.name not in _ELSEWHERE
    }
