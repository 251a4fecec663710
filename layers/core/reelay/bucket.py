"""The objects of one bucket: read and written whole, written on a condition, listed and deleted."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote_plus

from reelay.errors import TooLarge
from reelay.s3_failures import store_failed
from reelay.s3_rest import Asked, Received, S3Rest

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

JSON = "application/json"
BYTES = "application/octet-stream"

Condition = Mapping[str, str]
"""What must hold for a write to happen (RFC 9110 section 13.1): `If-Match` a tag, or `If-None-Match` anything."""

_XML_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;", "\n": "&#10;"})


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing shows it; `modified` is in Unix seconds."""

    key: str
    modified: float


class Bucket:
    """Whole objects by their key. Every method raises StoreFailed when S3 fails; each is one call, `listed` one
    for each page."""

    def __init__(self, rest: S3Rest) -> None:
        self.rest = rest

    def get(self, key: str) -> tuple[bytes, str]:
        """The object and its tag. Raises NotFound."""
        answer = self.rest.call(Asked("GetObject", "GET", key))
        return answer.body, _tag(answer)

    def get_tagged(self, key: str, tag: str, most: int) -> bytes:
        """The object while its tag is this one. Raises NotFound, Conflict when it has another one, and TooLarge, with
        nothing read, above `most` bytes."""
        answer = self.rest.call(Asked("GetObject", "GET", key, headers={"If-Match": tag}, most=most))
        if answer.size is None:
            raise store_failed("NoContentLength")
        if answer.size > most:
            raise TooLarge(f"The file has {answer.size:,} bytes. At most {most:,} are read; drop a smaller one.")
        return answer.body

    def put(self, key: str, body: bytes | IO[bytes], kind: str, condition: Condition | None = None) -> str:
        """Write once; returns the new tag. A file is written from its beginning.

        With a condition, raises Conflict when it is not met, NotFound when the object to replace is gone, and
        Undecided when S3 met a rival and decided for neither.
        """
        headers = {"Content-Type": kind, **(condition or {})}
        return _tag(self.rest.call(Asked("PutObject", "PUT", key, headers=headers, body=body)))

    def delete(self, key: str) -> None:
        """Twice does no harm."""
        self.rest.call(Asked("DeleteObject", "DELETE", key))

    def delete_all(self, keys: list[str]) -> None:
        """As many as S3 takes in one call (1000: Amazon S3 API reference, DeleteObjects); none of them with a control
        character that XML cannot hold."""
        body = _deletion(keys)
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        headers = {"Content-Type": "application/xml", "X-Amz-Checksum-SHA256": digest}
        answer = self.rest.call(Asked("DeleteObjects", "POST", None, {"delete": ""}, headers, body))
        for error in _xml(answer, "DeleteResult").iterfind("{*}Error"):
            raise store_failed(error.findtext("{*}Code") or "")

    def listed(self, prefix: str, after: str, page: int) -> Iterator[Listed]:
        """The objects whose keys begin with `prefix` and come after `after`, in the order of keys, `page` at a call."""
        start: Mapping[str, str] = {"start-after": after}
        while start:
            query = {"list-type": "2", "prefix": prefix, "max-keys": str(page), "encoding-type": "url", **start}
            root = _xml(self.rest.call(Asked("ListObjectsV2", "GET", None, query)), "ListBucketResult")
            found = [_listed(item) for item in root.iterfind("{*}Contents")]
            yield from found
            start = _next(root, found)

    def link(self, key: str, query: Mapping[str, str], seconds: int) -> str:
        """A URL by which whoever has it may GET the object for so many seconds, with what S3's GetObject takes in its
        query; made without asking S3, also of an object that is not there."""
        return self.rest.link(key, query, seconds)


def _tag(answer: Received) -> str:
    tag = answer.headers.get("ETag")
    if not tag:
        raise store_failed("NoETag")
    return tag


def _deletion(keys: list[str]) -> bytes:
    objects = "".join(f"<Object><Key>{key.translate(_XML_ESCAPES)}</Key></Object>" for key in keys)
    return f'<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>{objects}</Delete>'.encode()


def _next(root: Element, found: list[Listed]) -> Mapping[str, str]:
    """Where the next page begins, {} after the last one. S3 may give an empty page that is not the last, where much
    was deleted from a bucket that keeps versions; only a token leads on from there."""
    if root.findtext("{*}IsTruncated") != "true":
        return {}
    if found:
        return {"start-after": found[-1].key}
    token = root.findtext("{*}NextContinuationToken")
    return {"continuation-token": token} if token else {}


def _listed(item: Element) -> Listed:
    """S3 escapes keys as forms do, a space as a plus."""
    return Listed(unquote_plus(item.findtext("{*}Key") or ""), _seconds(item.findtext("{*}LastModified")))


def _xml(answer: Received, name: str) -> Element:
    """The document, whose element has this name: an error, or somebody else's page, must not look like an empty one."""
    from xml.etree.ElementTree import ParseError, fromstring  # noqa: PLC0415 - most calls need no parser

    try:
        root = fromstring(answer.body)  # noqa: S314 - S3 wrote it, and expat (2.4 on) bounds what entities grow to
    except (ParseError, LookupError, ValueError):  # LookupError, ValueError: an encoding that Python or expat lacks
        raise store_failed("MalformedXML") from None
    if root.tag.rpartition("}")[2] != name:
        raise store_failed("UnexpectedXML")
    return root


def _seconds(modified: str | None) -> float:
    try:
        return datetime.fromisoformat(modified or "").timestamp()
    except ValueError:
        raise store_failed("MalformedXML") from None
