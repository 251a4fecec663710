"""Adapter: records as S3 documents, each write conditional on what was read.

`conditional` says how a condition lets one writer win, `documents` where things lie.

The role needs s3:GetObject, s3:PutObject and s3:DeleteObject on the objects, and s3:ListBucket on the bucket: without
the last, S3 answers 403 in place of 404.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from io import SEEK_END
from itertools import islice
from typing import IO

from reelay import documents
from reelay.bucket import BYTES, Bucket, Condition, Listed
from reelay.conditional import NEW, WRITE_ID_BYTES, decoded, settle
from reelay.documents import Document
from reelay.errors import Conflict, NotFound, StoreFailed
from reelay.model import Job, Mark, Order, Record

INLINE_REQUEST_BYTES = 128 * 1024
"""A larger request (an image as a data URL) lies apart, so that a listing does not read it."""

LIST_KEYS = 128
"""Keys per LIST: the longest page (100, OpenAI's `limit`) in one call. S3 gives up to 1000, which are slow to parse."""

GETS_AT_ONCE = 7
"""Documents read side by side: three rounds make a page of 20 and the one that tells that there are more."""

DELETE_KEYS = 1000
"""Keys per DeleteObjects: S3's own limit (Amazon S3 API reference, DeleteObjects)."""

_APART = "apart "


class S3Store:
    """Keeps the promises of `ports.Store` in one bucket; a small record costs one call to create, load or save.

    The request is written by `create`; `save` never changes one that lies apart. `walk` leaves a request of more than
    INLINE_REQUEST_BYTES out (None), and `load` always has it.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def create(self, record: Record) -> Record:
        """Write a new record; returns it with rev and version set. Raises Conflict or StoreFailed."""
        request = documents.encode_json(record.request)
        apart = len(request) > INLINE_REQUEST_BYTES
        try:
            if apart:
                # Before the document, so that whoever sees the record finds its request.
                self._put_request(documents.request_key(record.tenant, record.id), request)
            return self._write(record, apart, NEW)
        except NotFound:
            raise Conflict("A record with this id was deleted a moment ago.") from None

    def save(self, record: Record) -> Record:
        """Replace the revision that `record.version` names. Raises Conflict, NotFound or StoreFailed."""
        etag = record.version.removeprefix(_APART)
        if not etag:
            raise ValueError("only a record that was created or loaded can be saved")
        return self._write(record, record.version.startswith(_APART), {"If-Match": etag})

    def load(self, tenant: str, id: str) -> Record:
        """The record with its request. Raises NotFound or StoreFailed."""
        document = self._read(tenant, id)
        if not document.apart:
            return document.record
        try:
            request, _ = self._bucket.get(documents.request_key(tenant, id))
        except NotFound:  # a deletion that S3 let fail halfway, and that has to be repeated
            return document.record
        return replace(document.record, request=decoded(documents.decode_request, request))

    def walk(self, tenant: str, order: Order, after: str | None) -> Iterator[Record]:
        """The tenant's records in order of creation, read a few ahead of the consumer and no more.

        Oldest first shows only those that `index` was called for. `after` need not exist any more. Raises NotFound at
        once for an `after` that no record can have, and StoreFailed while walking.
        """
        if order is Order.ASC:
            keys = self._keys(documents.oldest_prefix(tenant), after and documents.marker_key(tenant, after))
        else:
            keys = self._keys(documents.records_prefix(tenant), after and documents.record_key(tenant, after))
        return self._records(tenant, filter(None, map(documents.core_in, keys)))

    def index(self, record: Record) -> None:
        """Make a finished record show in the oldest-first order too. Raises StoreFailed."""
        self._bucket.put(documents.marker_key(record.tenant, record.id), b"", BYTES)

    def keep_transcript(self, record: Record, transcript: IO[bytes]) -> None:
        """Keep all that `transcript`, a seekable file, holds, in place of what was kept before.

        Leaves it at its end, ready for more, whether or not it raises StoreFailed.
        """
        try:
            self._bucket.put(documents.transcript_key(record.tenant, record.id), transcript, BYTES)
        finally:
            transcript.seek(0, SEEK_END)

    def transcript(self, record: Record) -> bytes:
        """What was kept of the upstream's bytes, whole: the relay keeps no more of them than fit in memory. b"" when
        nothing was. Raises StoreFailed."""
        try:
            return self._bucket.get(documents.transcript_key(record.tenant, record.id))[0]
        except NotFound:
            return b""

    def watch(self, record: Record) -> None:
        """Mark that there is something left to do for the record. Twice does no harm. Raises StoreFailed."""
        self._bucket.put(documents.watch_key(record.tenant, record.id), b"", BYTES)

    def unwatch(self, job: Job) -> None:
        """Nothing is left to do for it. Twice does no harm. Raises StoreFailed."""
        self._bucket.delete(documents.watch_key(job.tenant, job.id))

    def watched(self) -> Iterator[Mark]:
        """The mark of every record with something left to do, oldest record first, whatever its tenant. One that was
        given out may be unwatched while the walk goes on. One LIST for each LIST_KEYS. Raises StoreFailed while
        walking."""
        for item in self._items(documents.WATCH_PREFIX, None):
            job = documents.watched_in(item.key)
            if job is not None:
                yield Mark(job, item.modified)

    def delete(self, record: Record) -> None:
        """Remove everything kept for the record, and the record; doing it twice does no harm. Raises StoreFailed.

        The record goes after its parts, so that a deletion S3 let fail halfway can be repeated by whoever asked for
        it; and the parts once more after the record, for a run may have written its last ones in between. A run that
        writes still later finds no record to save (NotFound), and deletes what it wrote. The watch marker is the very
        last, so that a deletion that nobody repeats is still seen by whoever walks over what is left to do.
        """
        self._bucket.put(documents.deleted_key(record.tenant, record.id), b"", BYTES)
        self._remove_parts(record.tenant, record.id)
        self._bucket.delete(documents.record_key(record.tenant, record.id))
        self._remove_parts(record.tenant, record.id)
        self._bucket.delete_all([documents.watch_key(record.tenant, record.id)])

    def was_deleted(self, tenant: str, id: str) -> bool:
        """Whether `delete` was called for it within the life of a claim. Raises StoreFailed."""
        try:
            self._bucket.get(documents.deleted_key(tenant, id))
        except NotFound:
            return False
        return True

    def _remove_parts(self, tenant: str, core: str) -> None:
        kept = [key(tenant, core) for key in (documents.marker_key, documents.transcript_key, documents.request_key)]
        kept += self._keys(documents.media_prefix(tenant, core), None)
        for start in range(0, len(kept), DELETE_KEYS):
            self._bucket.delete_all(kept[start : start + DELETE_KEYS])

    def _put_request(self, key: str, request: bytes) -> None:
        try:
            settle(self._bucket, key, request, NEW)
        except Conflict:
            # What lies there may be our own write, its answer lost; or a rival's for the same id, not to be touched.
            if self._bucket.get(key)[0] != request:
                raise

    def _write(self, record: Record, apart: bool, condition: Condition) -> Record:
        written = replace(record, rev=record.rev + 1)
        document = Document(written, secrets.token_hex(WRITE_ID_BYTES), apart)
        key = documents.record_key(record.tenant, record.id)
        try:
            etag = settle(self._bucket, key, documents.encode(document), condition)
        except Conflict:
            stored = self._read(record.tenant, record.id)
            if stored.write_id != document.write_id:
                raise
            return replace(written, version=stored.record.version)
        except StoreFailed:
            # A run may be at its end when it saves, and has no time to ask.
            if condition is NEW and (begun := self._begun(written, document.write_id)):
                return begun
            raise
        return replace(written, version=_version(etag, apart))

    def _begun(self, written: Record, write_id: str) -> Record | None:
        """A new record of which S3 said only failures, if it lies there all the same: else nothing would ever be sent
        for it, and it would be taken for sent."""
        with suppress(NotFound, StoreFailed):
            stored = self._read(written.tenant, written.id)
            return replace(written, version=stored.record.version) if stored.write_id == write_id else None
        return None

    def _read(self, tenant: str, core: str) -> Document:
        raw, etag = self._bucket.get(documents.record_key(tenant, core))
        document = decoded(documents.decode, raw)
        return replace(document, record=replace(document.record, version=_version(etag, document.apart)))

    def _records(self, tenant: str, cores: Iterator[str]) -> Iterator[Record]:
        with ThreadPoolExecutor(GETS_AT_ONCE, thread_name_prefix="walk") as pool:
            while batch := list(islice(cores, GETS_AT_ONCE)):
                yield from filter(None, pool.map(partial(self._listed, tenant), batch))

    def _listed(self, tenant: str, core: str) -> Record | None:
        with suppress(NotFound):  # deleted since it was listed
            return self._read(tenant, core).record
        return None

    def _keys(self, prefix: str, after: str | None) -> Iterator[str]:
        return (item.key for item in self._items(prefix, after))

    def _items(self, prefix: str, after: str | None) -> Iterator[Listed]:
        # Every key under a prefix comes after the prefix itself.
        return self._bucket.listed(prefix, after or prefix, LIST_KEYS)


def _version(etag: str, apart: bool) -> str:
    return f"{_APART}{etag}" if apart else etag
