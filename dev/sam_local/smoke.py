"""The lane: every sample of events/ into its function, every route of the template, and what came of it."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from dev.sam_local import NotSo, events
from dev.sam_local.api import Api
from dev.sam_local.routes import ask_every
from dev.sam_local.sam import Sam
from dev.sam_local.stack import Stack
from dev.sam_local.telling import step
from dev.triggers import sqs_event, take
from reelay.documents import KEPT_PREFIX

AT_ONCE = 2
"""Invocations at a time: each is mostly waiting for the engine, and a CI machine has two cores."""

DROPPED = "inbox/order 4711.json"
"""The file that the samples of dropped files name."""

REQUEST = "invoke-request"
"""The sample that is a request and nothing else."""

WORKER, JOBS = "WorkerFunction", "JobsQueue"
MEDIA, JOB_MEDIA = f"{KEPT_PREFIX}media/", 2
"""Where the bucket has media, and how many a job leaves there: the simulator sends a video and its poster."""


def smoke(sam: Sam) -> None:
    """All of it; raises NotSo for what is not as it should be."""
    stack = sam.stack
    _invoke_all(sam)
    step("a job of theirs, from the queue into the worker", lambda: _job(sam))
    port = free_port()
    api = Api(f"http://127.0.0.1:{port}")
    with ExitStack() as stop:
        step("sam local start-api", lambda: stop.enter_context(sam.serving(port, api.ready)))
        name = step("the documented request, answered in one piece", api.documented)
        step("its video is archived", lambda: api.video(name))
        step("no key, no answer", lambda: _refused(api))
        ask_every(api, stack.template, name)
    if stack.simulator.complaints:
        raise NotSo("The upstream complains: " + "; ".join(stack.simulator.complaints))


def free_port() -> int:
    """One that nobody listens on at this moment."""
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        return int(asking.getsockname()[1])


def _invoke_all(sam: Sam) -> None:
    """Each sample as it stands in its file, through `sam local invoke`."""
    request = next(sample for sample in events.SAMPLES if sample.stem == REQUEST).read_bytes()
    sam.stack.cloud.s3.put_object(Bucket=sam.stack.bucket, Key=DROPPED, Body=request)
    with ThreadPoolExecutor(AT_ONCE) as invoking:
        try:
            list(invoking.map(partial(_invoke, sam), events.SAMPLES))
        except BaseException:
            invoking.shutdown(cancel_futures=True)
            raise


def _invoke(sam: Sam, sample: Path) -> None:
    event = events.read(sample)
    function = events.function_of(event, sam.stack.template)
    answer = step(f"{sample.name} -> {function}", lambda: sam.invoke(function, sample))
    if fault := events.fault(event, answer):
        raise NotSo(f"{function} and {sample.name}: {fault}.")


def _job(sam: Sam) -> None:
    """A job that an event asked for is paid, and its media are kept, by the worker in its container."""
    stack = sam.stack
    queue, paid, kept = stack.template.around.queues[JOBS], stack.simulator.posts, _media(stack)
    taken = take(stack.cloud.sqs, queue, 1, 0)
    if not taken:
        raise NotSo("No event made a job.")
    event = sam.folder / "job.json"
    event.write_text(json.dumps(sqs_event(taken, queue)))
    answer = sam.invoke(WORKER, event)
    if answer != {"batchItemFailures": []} or (stack.simulator.posts, _media(stack)) != (paid + 1, kept + JOB_MEDIA):
        raise NotSo(f"The worker did not run the job: {answer}.")


def _media(stack: Stack) -> int:
    """How many videos and pictures the bucket has."""
    return stack.cloud.s3.list_objects_v2(Bucket=stack.bucket, Prefix=MEDIA)["KeyCount"]


def _refused(api: Api) -> None:
    status = api.get("/v1/chat/completions", key=False).status
    if status != 401:
        raise NotSo(f"A call without a key was answered {status}.")
