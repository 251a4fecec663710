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
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from dev.kept import RunFailed, place, record, save
from dev.stack import ROOT, Stack, StackError, running
from reelay.links import ProgressReader
from reelay.sse import EventParser

EVENT = ROOT / "events" / "create-video.json"
OUT = ROOT / "out"
FRAME_SECONDS = 0.25
"""The simulator's pause between frames: slow enough to watch, quick enough to wait for."""

STREAM_SECONDS = 900
"""API Gateway ends a stream after 15 minutes."""

ANSWER_SECONDS = 30
"""For the first bytes of any other answer; a function that is new takes a second or two."""

COPY_SECONDS = 120
WORDS = {"queued": "queued", "in_progress": "generating", "completed": "generated", "failed": "failed"}


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
            _say(console, "Upstream", "the simulator" if stack.simulator else stack.upstream)
            _say(console, "Gateway", f"{stack.url}  (logs in {_near(log)})")
            _show(stack, console, arguments.out)
    except (RunFailed, StackError) as failure:
        console.print(f"[bold red]Not done:[/] {escape(str(failure))}", soft_wrap=True, highlight=False)
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted. What was kept until then is told above; v98store may finish the job all the same.")
        return 130
    return 0


def _show(stack: Stack, console: Console, out: Path) -> None:
    """Watch it, and tell where everything is as soon as it is known: the local bucket goes when this ends."""
    completion_id = ""
    try:
        for completion_id in _watch(stack, console):
            _say(console, "Completion", completion_id)
            _say(console, "Record", f"s3://{stack.bucket}/{place(stack, completion_id)}")
        video = _download(stack, completion_id, out)
        media = _archived(record(stack, completion_id), video)
        _say(console, "Video", f"{_near(video)}  ({media['size']} bytes, sha256 {media['sha256']})")
    finally:
        if completion_id:
            _say(console, "Kept too", ", ".join(str(_near(path)) for path in save(stack, completion_id, out)))


def _say(console: Console, name: str, value: str) -> None:
    console.print(f"{name:<11} {escape(value)}", soft_wrap=True, highlight=False)


def _near(path: Path) -> Path:
    """The path as a person would write it."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def _watch(stack: Stack, console: Console) -> Iterator[str]:
    """Send the request and show its progress as it comes; yields the completion's id once, as soon as it is known."""
    response = _sent(stack)
    bar = Progress(
        SpinnerColumn(), TextColumn("{task.description:<11}"), BarColumn(40), TaskProgressColumn(), TimeElapsedColumn(),
        console=console,
    )  # fmt: skip
    reader = ProgressReader()
    known, finished = False, False
    with bar:
        task = bar.add_task("asked", total=100)
        for chunk in _chunks(response):
            if "error" in chunk:
                raise RunFailed(chunk["error"]["message"])
            if not known:
                known = True
                yield chunk["id"]
            for choice in chunk["choices"]:
                finished = finished or choice["finish_reason"] == "stop"
                delta = choice["delta"]
                seen = reader.feed(delta.get("content") or "", delta.get("reasoning_content") or "")
                if seen is not None:
                    bar.update(task, completed=seen.percent, description=WORDS[seen.status])
    if not finished:
        raise RunFailed("the stream ended before the completion did")


def _sent(stack: Stack) -> urllib3.BaseHTTPResponse:
    """The answer to the event, sent as HTTP; raises RunFailed with the gateway's own words unless it is a stream."""
    event = json.loads(EVENT.read_text())
    headers = {name: event["headers"][name] for name in ("Content-Type", "Accept")}
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
    return response


def _chunks(response: urllib3.BaseHTTPResponse) -> Iterator[dict[str, Any]]:
    parser = EventParser()
    while data := response.read1(65536):
        for text in parser.feed(data):
            if text == "[DONE]":
                return
            yield json.loads(text)


def _download(stack: Stack, completion_id: str, out: Path) -> Path:
    """Copy the archived video to `out`, waiting for the archiver as the contract says (409 with Retry-After)."""
    url = f"{stack.url}/v1/videos/{completion_id}/content"
    patience = urllib3.Retry(
        total=COPY_SECONDS, redirect=0, status_forcelist=[409], raise_on_status=False, raise_on_redirect=False
    )
    answer = urllib3.request(
        "GET", url, headers={"Authorization": f"Bearer {stack.token}"}, retries=patience, timeout=ANSWER_SECONDS
    )
    if answer.status != 302:
        raise RunFailed(f"the video is not there ({answer.status}): {answer.json()['error']['message']}")
    target = out / f"{completion_id}.mp4"
    with target.open("wb") as file:
        source = urllib3.request(
            "GET", answer.headers["Location"], preload_content=False, retries=False, timeout=ANSWER_SECONDS
        )
        if source.status != 200:
            raise RunFailed(f"the bucket answered {source.status} to its own link")
        while piece := source.read(65536):
            file.write(piece)
    return target


def _archived(kept: dict[str, Any], video: Path) -> dict[str, Any]:
    """The video's entry in the record, after checking that the copy in out/ is what it says."""
    for media in kept["media"]:
        if media["kind"] == "video" and media["sha256"] == hashlib.sha256(video.read_bytes()).hexdigest():
            found: dict[str, Any] = media
            return found
    raise RunFailed("the file in out/ is not the one that the record names")


if __name__ == "__main__":
    sys.exit(main())
