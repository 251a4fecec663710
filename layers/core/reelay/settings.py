"""The only reader of the environment: every variable by name, checked at the cold start, all faults named at once."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

UPSTREAM_BASE_URL = "https://v98store.com/v1"
"""Where v98store answers over TLS: the host that it documents, with https."""

SERVICE = "reelay"
"""Under which name logs and metrics are told where nobody says otherwise; a stack has its own."""

MOST_IN_FLIGHT = 100
"""The highest limit on jobs in flight: that many records are read to see which of them have ended."""

MOST_DAYS = 3650
"""The longest retention that the template offers."""

MOST_PER_DAY = 1_000_000
"""The highest limit on jobs a day: beyond it a tenant's writes to one object would come faster than S3 takes them."""

_SWITCH = {"true": True, "false": False}
EVENTS_TENANT = "events"
"""Whose the completions are that events ask for, where nobody says otherwise; no key opens it."""

_COUNT = re.compile(r"[1-9][0-9]?|1[01][0-9]|12[0-8]", re.ASCII)
_TENANT = re.compile(r"[0-9a-f]{32}|events", re.ASCII)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z", re.ASCII)


class SettingsError(Exception):
    """The environment is wrong; the message names every variable, what was expected and what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator decides. `runtime_api` is None where answers have to be buffered; without `event_bus` nothing is
    told, and without `status_url` no job is asked after."""

    bucket: str
    upstream_base_url: str = UPSTREAM_BASE_URL
    upstream_plain_http: bool = False
    allow_anonymous: bool = False
    media_allowed_hosts: frozenset[str] = frozenset()
    media_trusted_origins: frozenset[str] = frozenset()
    tracing: bool = False
    service: str = SERVICE
    jobs_queue_url: str | None = None
    event_bus: str | None = None
    service_key_secret: str | None = None
    events_tenant: str = EVENTS_TENANT
    tenant_secret: str = ""
    allowed_models: frozenset[str] = frozenset()
    max_choices: int = 1
    max_jobs_in_flight: int = 0
    max_jobs_per_day: int = 0
    status_url: str | None = None
    runtime_api: str | None = None
    strict_contract: bool = False
    media_days: int = 0


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in `environment`; raises SettingsError naming all that is wrong."""
    reader = _Reader(environment)
    settings = Settings(
        bucket=reader.bucket("BUCKET_NAME"),
        upstream_base_url=reader.url("UPSTREAM_BASE_URL", UPSTREAM_BASE_URL),
        upstream_plain_http=reader.switch("UPSTREAM_PLAIN_HTTP"),
        allow_anonymous=reader.switch("ALLOW_ANONYMOUS"),
        media_allowed_hosts=reader.hosts("MEDIA_ALLOWED_HOSTS"),
        media_trusted_origins=reader.words("MEDIA_TRUSTED_ORIGINS"),
        tracing=reader.switch("TRACING"),
        service=reader.word("POWERTOOLS_SERVICE_NAME") or SERVICE,
        jobs_queue_url=reader.word("JOBS_QUEUE_URL"),
        event_bus=reader.word("EVENT_BUS_NAME"),
        service_key_secret=reader.word("SERVICE_KEY_SECRET"),
        events_tenant=reader.tenant("EVENTS_TENANT"),
        allowed_models=reader.words("ALLOWED_MODELS"),
        max_choices=reader.count("MAX_CHOICES", 1),
        max_jobs_in_flight=reader.limit("MAX_JOBS_IN_FLIGHT", MOST_IN_FLIGHT),
        max_jobs_per_day=reader.limit("MAX_JOBS_PER_DAY", MOST_PER_DAY),
        tenant_secret=reader.word("TENANT_SECRET") or "",
        status_url=reader.status_url("STATUS_URL"),
        runtime_api=reader.runtime_api(),
        strict_contract=reader.switch("STRICT_CONTRACT"),
        media_days=reader.limit("MEDIA_DAYS", MOST_DAYS),
    )
    if settings.upstream_base_url.startswith("http://") and not settings.upstream_plain_http:
        reader.faults.append(
            "UPSTREAM_BASE_URL: plain http would send the key in the clear; use https, or set UPSTREAM_PLAIN_HTTP=true"
        )
    if (settings.status_url or "").startswith("http://") and not settings.upstream_plain_http:
        reader.faults.append("STATUS_URL: expected https, as for UPSTREAM_BASE_URL")
    if reader.faults:
        raise SettingsError("The environment does not fit:\n" + "\n".join(f"- {fault}" for fault in reader.faults))
    return settings


def _parts(url: str) -> SplitResult:
    """The parts of a URL; none of what is no URL at all."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.faults: list[str] = []

    def bucket(self, name: str) -> str:
        value = self._environment.get(name, "")
        if not _BUCKET.match(value):
            self.faults.append(f"{name}: expected the name of the S3 bucket that keeps the records, got {value!r}")
        return value

    def url(self, name: str, default: str) -> str:
        value = (self._environment.get(name) or default).rstrip("/")
        parts = _parts(value)
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.query
            or parts.fragment
            or parts.username
        ):
            self.faults.append(f"{name}: expected a URL such as {default} without credentials, query or fragment")
        return value

    def switch(self, name: str) -> bool:
        value = self._environment.get(name) or "false"
        if value not in _SWITCH:
            self.faults.append(f'{name}: expected "true" or "false", got {value!r}')
        return _SWITCH.get(value, False)

    def words(self, name: str) -> frozenset[str]:
        return frozenset(word.strip() for word in self._environment.get(name, "").split(",") if word.strip())

    def hosts(self, name: str) -> frozenset[str]:
        """As `words`; a list that names nobody is a mistake, for taken as none it would let everybody in."""
        named = self.words(name)
        if self._environment.get(name, "").strip() and not named:
            self.faults.append(f"{name}: expected host names separated by commas, or nothing for any public host")
        return named

    def count(self, name: str, default: int) -> int:
        value = self._environment.get(name) or str(default)
        if not _COUNT.fullmatch(value):
            self.faults.append(f"{name}: expected a whole number from 1 to 128, got {value!r}")
            return default
        return int(value)

    def limit(self, name: str, most: int) -> int:
        """A whole number, 0 for no limit."""
        value = self._environment.get(name) or "0"
        if not re.fullmatch(r"[0-9]{1,7}", value, re.ASCII) or int(value) > most:
            self.faults.append(f"{name}: expected a whole number from 0 (no limit) to {most}, got {value!r}")
            return 0
        return int(value)

    def word(self, name: str) -> str | None:
        return self._environment.get(name) or None

    def tenant(self, name: str) -> str:
        value = self._environment.get(name) or EVENTS_TENANT
        if not _TENANT.fullmatch(value):
            self.faults.append(f'{name}: expected the word "events", or 32 hex digits as `make tenant` tells them')
        return value

    def status_url(self, name: str) -> str | None:
        value = self.word(name)
        if value is None:
            return None
        parts = _parts(value)
        named = parts.hostname and "{" not in parts.netloc and "{task_id}" in value
        if parts.scheme not in ("http", "https") or parts.username or not named:
            self.faults.append(f"{name}: expected a URL with a host, without credentials, that holds {{task_id}}")
        return value

    def runtime_api(self) -> str | None:
        """Streams need the Runtime API; `sam local` has one whose front end cannot pass them on (AWS_SAM_LOCAL)."""
        wanted = self._environment.get("RESPONSE_STREAMING") or "true"
        if wanted not in _SWITCH:
            self.faults.append(f'RESPONSE_STREAMING: expected "true" or "false", got {wanted!r}')
        if wanted == "false" or self._environment.get("AWS_SAM_LOCAL") == "true":
            return None
        return self._environment.get("AWS_LAMBDA_RUNTIME_API") or None
