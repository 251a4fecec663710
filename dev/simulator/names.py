"""The names v98store gives things, made from a seed: ids of jobs and requests, file names, signatures on links.

A file name carries the second it was made in, so that a link expires without anybody remembering it, and a check, so
that a name nobody made is not found.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime
from urllib.parse import parse_qs, quote

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_FILE = re.compile(r"/cdn/\d{8}/([0-9a-f]{8})([0-9a-f]{8})([0-9a-f]{16})\.(mp4|webp)\Z", re.ASCII)
_SIGNING_KEY = b"the simulator's own"


def digest(*parts: object) -> str:
    """64 hex digits that depend on every part."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()


def _spell(alphabet: str, seed: str, count: int) -> str:
    return "".join(alphabet[byte % len(alphabet)] for byte in hashlib.sha512(seed.encode()).digest()[:count])


def task_id(seed: str) -> str:
    """`task_01` and 24 letters and digits in Crockford's base 32."""
    return "task_01" + _spell(_CROCKFORD, seed, 24)


def request_id(now: float, seed: str) -> str:
    """The time to the nanosecond in 23 digits, then 8 letters or digits: `20251111163026817855493SePwkLG8`."""
    nanoseconds = int(now % 1 * 1_000_000_000)
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%d%H%M%S}{nanoseconds:09d}{_spell(_LETTERS, seed, 8)}"


def file_path(now: float, seed: str, suffix: str) -> str:
    """`/cdn/<date>/<32 hex digits>.<suffix>`, made at `now`."""
    stem = f"{int(now):08x}{digest(seed)[:8]}"
    return f"/cdn/{datetime.fromtimestamp(now, UTC):%Y%m%d}/{stem}{digest(stem)[:16]}.{suffix}"


def made_at(path: str) -> int | None:
    """The Unix second in which `file_path` made this path, or None when it never did."""
    found = _FILE.match(path)
    if not found or digest(found[1] + found[2])[:16] != found[3]:
        return None
    return int(found[1], 16)


def signed_query(path: str, start: float, end: float) -> str:
    """`st=…&se=…&sig=…` in the manner of a storage account's shared access signature, escaped, with a %2F in it."""
    st, se = (f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}" for at in (start, end))
    return f"st={quote(st, safe='')}&se={quote(se, safe='')}&sig={quote(_signature(path, st, se), safe='')}"


def query_is_signed(path: str, query: str, now: float) -> bool:
    """Whether the query bears this path's signature and `now` lies between its two times."""
    values = {name: found[-1] for name, found in parse_qs(query).items()}
    st, se, sig = (values.get(name, "") for name in ("st", "se", "sig"))
    if not hmac.compare_digest(sig.encode(), _signature(path, st, se).encode()):
        return False
    return datetime.fromisoformat(st).timestamp() <= now < datetime.fromisoformat(se).timestamp()


def _signature(path: str, st: str, se: str) -> str:
    mac = hmac.new(_SIGNING_KEY, f"{path}\n{st}\n{se}".encode(), hashlib.sha256).digest()
    return base64.b64encode(b"\xff" + mac).decode()  # the leading byte makes a "/", which a link escapes as %2F
