"""`make run`: the documented request through the local stack, watched by a person, and what it left behind.

Exit status 0 only if the stream ended well, the record lies in the bucket as completed, and the archived video was
copied to out/ with the size and SHA-256 that the record names.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import urllib3
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from dev.stack import ROOT, Stack, running
from reelay.documents import record_key
from reelay.identity import tenant_of
from reelay.ids import core_of
from reelay.links import ProgressReader
from reelay.sse import EventParser

EVENT = ROOT / "events" / "create-video.json"
OUT = ROOT / "out"
FRAME_SECONDS = 0.25
"""The simulator's pause between frames: slow enough to watch, quick enough to wait for."""

STREAM_SECONDS = 900
"""API Gateway ends a stream after 15 minutes."""

COPY_SECONDS = 120
WORDS = {"queued": "queued", "in_progress": "generating", "completed": "generated", "failed": "failed"}


class RunFailed(Exception):
    """What went wrong, in words for the person at the terminal."""


def main() -> int:
    """Run it all; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make run", description="The documented request, watched.")
    parser.add_argument("--delay", type=float, default=FRAME_SECONDS, help="seconds between the simulator's frames")
    parser.add_argument("--out", type=Path, default=OUT, help="where the video goes")
    arguments = parser.parse_args()
    arguments.out.mkdir(exist_ok=True)
    console = Console()
    log = arguments.out / "stack.log"
    try:
        with running(delay=arguments.delay, log=log) as stack:
            console.print(f"{'Upstream':<11} {'the simulator' if stack.simulator else stack.upstream}", highlight=False)
            console.print(f"{'Gateway':<11} {stack.url}  (logs in {_near(log)})", highlight=False)
            _show(stack, console, arguments.out)
    except RunFailed as failure:
        console.print(f"[bold red]Not done:[/] {failure}")
        return 1
    return 0


def _show(stack: Stack, console: Console, out: Path) -> None:
    completion_id = _watch(stack, console)
    video = _download(stack, completion_id, out)
    media = _archived(_record(stack, completion_id), video)
    told = {
        "Completion": completion_id,
        "Record": f"s3://{stack.bucket}/{_key(stack, completion_id)}",
        "Video": f"{_near(video)}  ({media['size']} bytes, sha256 {media['sha256']})",
    }
    for name, value in told.items():
        console.print(f"{name:<11} {value}", soft_wrap=True, highlight=False)


def _near(path: Path) -> Path:
    """The path as a person would write it."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def _watch(stack: Stack, console: Console) -> str:
    """Send the request, show its progress as it comes, and return the completion's id."""
    event = json.loads(EVENT.read_text())
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    response = urllib3.request(
        event["httpMethod"],
        stack.url + event["path"],
        body=event["body"],
        headers=headers | {"Authorization": f"Bearer {stack.token}"},
        preload_content=False,
        retries=False,
        timeout=urllib3.Timeout(connect=5, read=STREAM_SECONDS),
    )
    if response.status != 200:
        raise RunFailed(f"the gateway answered {response.status}: {response.data.decode(errors='replace')[:500]}")
    bar = Progress(
        SpinnerColumn(), TextColumn("{task.description:<11}"), BarColumn(40), TaskProgressColumn(), TimeElapsedColumn(),
        console=console,
    )  # fmt: skip
    completion_id, finished = "", False
    with bar:
        task = bar.add_task("asked", total=100)
        reader = ProgressReader()
        for chunk in _chunks(response):
            if "error" in chunk:
                raise RunFailed(chunk["error"]["message"])
            completion_id = chunk["id"]
            for choice in chunk["choices"]:
                finished = finished or choice["finish_reason"] == "stop"
                delta = choice["delta"]
                seen = reader.feed(delta.get("content") or "", delta.get("reasoning_content") or "")
                if seen is not None:
                    bar.update(task, completed=seen.percent, description=WORDS[seen.status])
    if not finished:
        raise RunFailed("the stream ended before the completion did")
    return completion_id


def _chunks(response: urllib3.BaseHTTPResponse) -> Iterator[dict[str, Any]]:
    parser = EventParser()
    while data := response.read1(65536):
        for text in parser.feed(data):
            if text == "[DONE]":
                return
            yield json.loads(text)


def _key(stack: Stack, completion_id: str) -> str:
    core = core_of(completion_id)
    if core is None:
        raise RunFailed(f"the completion's id is not one of ours: {completion_id!r}")
    return record_key(tenant_of(stack.token), core)


def _record(stack: Stack, completion_id: str) -> dict[str, Any]:
    """The record's document as it lies in the bucket."""
    body = stack.s3.get_object(Bucket=stack.bucket, Key=_key(stack, completion_id))["Body"]
    record: dict[str, Any] = json.loads(body.read())
    if record["phase"] != "completed":
        raise RunFailed(f"the record in the bucket says {record['phase']}")
    return record


def _download(stack: Stack, completion_id: str, out: Path) -> Path:
    """Copy the archived video to `out`, waiting for the archiver as the contract says (409 with Retry-After)."""
    url = f"{stack.url}/v1/videos/{completion_id}/content"
    patience = urllib3.Retry(
        total=COPY_SECONDS, redirect=0, status_forcelist=[409], raise_on_status=False, raise_on_redirect=False
    )
    answer = urllib3.request("GET", url, headers={"Authorization": f"Bearer {stack.token}"}, retries=patience)
    if answer.status != 302:
        raise RunFailed(f"the video is not there ({answer.status}): {answer.json()['error']['message']}")
    target = out / f"{completion_id}.mp4"
    with target.open("wb") as file:
        source = urllib3.request("GET", answer.headers["Location"], preload_content=False, retries=False)
        if source.status != 200:
            raise RunFailed(f"the bucket answered {source.status} to its own link")
        while piece := source.read(65536):
            file.write(piece)
    return target


def _archived(record: dict[str, Any], video: Path) -> dict[str, Any]:
    """The video's entry in the record, after checking that the copy in out/ is what it says."""
    for media in record["media"]:
        if media["kind"] == "video" and media["sha256"] == hashlib.sha256(video.read_bytes()).hexdigest():
            found: dict[str, Any] = media
            return found
    raise RunFailed("the file in out/ is not the one that the record names")


if __name__ == "__main__":
    sys.exit(main())
