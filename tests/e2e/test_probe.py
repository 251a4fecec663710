"""`make probe` as a process of its own against the simulator: what it costs, tells, keeps, and never shows."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from dev.probe.__main__ import EVENT
from dev.probe.wire import Limits, Probe
from dev.recording import Ending, Recording, Writer, read
from dev.simulator import Simulator, replay
from dev.simulator.ask import Ask
from dev.simulator.ledger import KEPT_FRAMES
from dev.simulator.scenes.scene import Scene
from dev.simulator.steps import Frame, Steps
from dev.simulator.telling import DONE, event, stream_head
from reelay.clock import SystemClock
from reelay.connection import endpoint
from tests.integration.simulator_client import chat

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "sk-secret-0123456789abcdef"
PROMPT = json.loads(json.loads(EVENT.read_text())["body"])["messages"][0]["content"]
FIRST_WORDS = " ".join(PROMPT.split()[:4])


def environment(sim: Simulator | None, **more: str) -> dict[str, str]:
    where = {"UPSTREAM_BASE_URL": sim.url, "MEDIA_TRUSTED_ORIGINS": sim.origin} if sim else {}
    paths = {"PYTHONPATH": f"{ROOT}:{ROOT / 'layers/core'}", "PYTHONIOENCODING": "utf-8"}
    return {**os.environ, **paths, "V98STORE_TOKEN": TOKEN, **where, **more}


def probe(
    sim: Simulator | None, out: Path, *options: str, words: str = "", **more: str
) -> subprocess.CompletedProcess[str]:
    """`python -m dev.probe` with these options, `words` at its standard input and more in its environment."""
    command = [sys.executable, "-m", "dev.probe", "--out", str(out), *options]
    done = subprocess.run(  # noqa: S603 - our own module
        command, cwd=ROOT, env=environment(sim, **more), input=words, capture_output=True, text=True, check=False
    )
    assert done.stderr == "" or "Key:" in done.stderr
    assert TOKEN not in done.stdout + done.stderr
    assert FIRST_WORDS not in done.stdout
    return done


def recording(out: Path) -> Recording:
    """The one that was made; nothing of the key is in it."""
    (path,) = out.glob("probe-*.jsonl")
    assert TOKEN not in path.read_text()
    assert "uthorization" not in path.read_text()
    return read(path)


def report(shown: str) -> dict[str, list[str]]:
    """The report's lines by their name; a line without one belongs to the name above."""
    named: dict[str, list[str]] = {}
    name = ""
    for line in shown.partition("\n\n")[2].splitlines():
        name = line[:12].strip() or name
        named.setdefault(name, []).append(line[12:].strip())
    return named


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator() as playing:
        yield playing
        assert playing.complaints == []


def test_a_good_answer_is_told_and_kept(sim: Simulator, tmp_path: Path) -> None:
    done = probe(sim, tmp_path, "--yes")
    told, kept = report(done.stdout), recording(tmp_path)
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith(f"This asks {sim.origin.partition('//')[2]} once for a video (sora-2, streamed)")
    assert "It costs money" in done.stdout
    assert told["Status"][0].startswith("200 after ")
    assert "content-type: text/event-stream" in told["Status"]
    assert re.fullmatch(r"\d+\.\d{3} s", told["First byte"][0])
    assert [line.split("  ")[1] for line in told["Progress"]] == [
        "queued 0 %",
        "in_progress 0 %",
        *(f"in_progress {percent} %" for percent in (36, 44, 61, 69, 81)),
        "completed 100 %",
    ]
    assert re.search(r"task_01[0-9a-z]{24}$", told["Task"][0])
    assert told["Ended"][0].split(": ")[0].endswith(", whole")
    assert told["Outcome"] == ["a whole completion with a link to a video"]
    assert [line.split()[0] for line in told["Link"]] == ["video", "thumbnail"]
    assert told["Link"][0].endswith("it does not say how long it lives; it answers now, with video/mp4 of 28,394 bytes")
    assert told["Conforms"] == ["to upstream.yaml"]
    assert kept.body == b"".join(sent.data for sent in sim.sent)
    assert (kept.status, kept.ending, sim.posts) == (200, Ending.WHOLE, 1)
    assert json.loads(sim.requests[0].body) == json.loads(json.loads(EVENT.read_text())["body"])
    assert sim.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    for word in ("生成", "sid:", "data:"):
        assert word not in done.stdout


def test_a_whole_reply_and_a_link_that_says_when_it_dies(sim: Simulator, tmp_path: Path) -> None:
    done = probe(sim, tmp_path, "--yes", "--whole", "--model", "sim-v8")
    told = report(done.stdout)
    assert done.returncode == 0, done.stdout
    assert json.loads(sim.requests[0].body)["stream"] is False
    assert sim.requests[0].headers["accept"] == "application/json"
    assert re.search(
        r"it says that it lives until \S+ \S+ UTC, (3,600|3,59\d) s from now; it answers now", told["Link"][0]
    )
    assert "sig" not in done.stdout


@pytest.mark.parametrize("words", ["n\n", "\n", "", "yesterday\n", TOKEN + "\n"])
def test_without_a_yes_nothing_is_sent(sim: Simulator, tmp_path: Path, words: str) -> None:
    done = probe(sim, tmp_path / "out", words=words)
    assert (done.returncode, sim.posts) == (2, 0)
    assert "It costs money" in done.stdout
    assert done.stdout.endswith("Nothing was sent: the answer was not y.\n")
    assert not (tmp_path / "out").exists()


def test_with_a_yes_and_a_key_that_is_asked_for_it_is_sent(sim: Simulator, tmp_path: Path) -> None:
    done = probe(sim, tmp_path, words=f"y\n{TOKEN}\n", V98STORE_TOKEN="")
    assert (done.returncode, sim.posts) == (0, 1)
    assert sim.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    recording(tmp_path)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"V98STORE_TOKEN": "sk two words"}, "that is no key"),
        ({"V98STORE_TOKEN": ""}, "that is no key"),
        ({"UPSTREAM_BASE_URL": "http://example.com/v1"}, "is plain http, which would send API keys in clear"),
        ({"UPSTREAM_BASE_URL": f"https://{TOKEN}@example.com/v1"}, "may hold neither credentials nor"),
        ({"UPSTREAM_BASE_URL": "http://127.0.0.1:1/v1"}, "no verified connection could be made"),
    ],
)
def test_what_cannot_be_sent_is_one_sentence(more: dict[str, str], says: str, tmp_path: Path) -> None:
    done = probe(None, tmp_path, "--yes", **more)
    assert done.returncode == 2
    last = done.stdout.splitlines()[-1]
    assert last.startswith("Nothing was sent: ")
    assert says in last
    assert list(tmp_path.iterdir()) == []


def test_a_certificate_that_nobody_vouches_for_is_not_asked(tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    with Simulator(tls=tls) as sim:
        done = probe(sim, tmp_path, "--yes")
        assert (done.returncode, sim.posts) == (2, 0)
    assert "(SSLCertVerificationError)" in done.stdout


@pytest.mark.parametrize(
    ("model", "status", "outcome", "conforms"),
    [
        ("sim-401", "401", "no completion: status 401, told as invalid_api_key; nothing was charged", True),
        ("sim-429-empty", "429", "no completion: status 429", True),
        ("sim-502-html", "502", "no completion: status 502, told as upstream_broken; it may have been charged", True),
        ("sim-503-retry-after", "503", "no completion: status 503", True),
        ("sim-stream-error", "200", "no completion: an error where a completion was due, told as video_gen", True),
        ("sim-refusal-text", "200", "a whole completion that says in words that the job failed", True),
        ("sim-no-link", "200", "a whole completion without a link to a video", True),
        ("sim-307", "307", "no completion: status 307", False),
        ("sim-cut", "200", "no completion: it broke off before it was whole", False),
        ("sim-reset", "200", "no completion: it broke off before it was whole", False),
        ("sim-html-200", "200", "no completion: nothing that can be read", False),
        ("sim-closed-at-once", "none", "the connection ended before an HTTP answer came", False),
        ("sim-gzip-bomb", "200", "no completion: nothing that can be read", False),
    ],
)
def test_other_ends_are_told_as_what_they_are_and_asked_for_once(
    sim: Simulator, tmp_path: Path, model: str, status: str, outcome: str, *, conforms: bool
) -> None:
    done = probe(sim, tmp_path, "--yes", "--model", model)
    told = report(done.stdout)
    assert told["Status"][0].split()[0] == status
    assert told["Outcome"][0].startswith(outcome)
    assert (told["Conforms"][0] == "to upstream.yaml") == conforms
    assert done.returncode == (0 if outcome.startswith("a whole") else 1)
    assert sim.posts == 1
    recording(tmp_path)


def test_a_link_that_leads_nowhere_good_is_told_and_not_followed(sim: Simulator, tmp_path: Path) -> None:
    told = report(probe(sim, tmp_path, "--yes", "--model", "sim-link-metadata").stdout)
    assert told["Link"][0].endswith("Reelay would not copy it: the link is not https")
    told = report(probe(sim, tmp_path, "--yes", "--model", "sim-403-video").stdout)
    assert told["Link"][0].endswith("it does not answer now: the host answered 403")


def only(*frames: bytes) -> Scene:
    """A scene of these frames."""

    def play(ask: Ask) -> Steps:
        yield stream_head(ask)
        yield from map(Frame, frames)

    return Scene("made for a test", play)


def test_what_does_not_conform_is_told_by_place_and_never_by_value(tmp_path: Path) -> None:
    bad = event({"choices": [{"index": 0, "delta": {"content": 7}, "finish_reason": None}]})
    worse = event({"choices": [{"index": 0, "delta": {"role": ["a secret word"]}, "finish_reason": "stop"}]})
    with Simulator(only=only(bad, bad, worse, DONE)) as sim:
        done = probe(sim, tmp_path, "--yes")
    assert done.returncode == 1
    assert report(done.stdout)["Conforms"] == [
        "NOT to upstream.yaml:",
        "choices[0].delta.content: expected a string or null (in event 0, and 1 more)",
        "choices[0].delta.role: expected a string or null (in event 2)",
    ]
    assert "secret word" not in done.stdout


def test_a_key_that_the_upstream_repeats_is_masked_wherever_it_was_cut(tmp_path: Path) -> None:
    said = event({"choices": [{"index": 0, "delta": {"content": f"key {TOKEN}"}, "finish_reason": "stop"}]})
    at = said.index(TOKEN.encode()) + 9
    named = event({"error": {"message": "bad key", "code": TOKEN}})
    with Simulator(only=only(said[:at], said[at:], named)) as sim:
        probe(sim, tmp_path, "--yes")
    assert recording(tmp_path).body == (said + named).replace(TOKEN.encode(), b"*" * len(TOKEN))


def test_who_leaves_keeps_what_had_come(tmp_path: Path) -> None:
    with Simulator() as sim:
        command = [sys.executable, "-m", "dev.probe", "--yes", "--out", str(tmp_path)]
        running = subprocess.Popen(  # noqa: S603 - our own module
            [*command, "--model", "sim-silence-mid-stream"],
            cwd=ROOT,
            env=environment(sim),
            stdout=subprocess.PIPE,
            text=True,
        )
        with running:
            while not any("44.." in path.read_text() for path in tmp_path.glob("probe-*.jsonl")):
                assert running.poll() is None
            running.send_signal(signal.SIGINT)
            shown = running.communicate()[0]
        assert running.returncode == 1
    assert report(shown)["Outcome"] == ["no completion: it broke off before it was whole; it may have been charged"]
    assert recording(tmp_path).ending is Ending.LEFT


def test_who_leaves_at_the_question_has_sent_nothing(sim: Simulator, tmp_path: Path) -> None:
    running = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-u", "-m", "dev.probe", "--out", str(tmp_path)],
        cwd=ROOT,
        env=environment(sim),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with running:
        assert running.stdout is not None
        shown = ""
        while not shown.endswith("[y/N] "):
            shown += running.stdout.read(1)
        running.send_signal(signal.SIGINT)
        last, errors = running.communicate()
    assert (running.returncode, sim.posts, errors) == (2, 0, "")
    assert last.endswith("Nothing was sent: it was interrupted.\n")


@pytest.mark.parametrize(
    ("model", "limits", "ending"),
    [
        ("sim-silence", Limits(total_seconds=0.3), Ending.LATE),
        ("sim-endless-drip", Limits(total_seconds=0.3), Ending.LATE),
        ("sim-silence-mid-stream", Limits(idle_seconds=0.3), Ending.SILENT),
        ("sim-endless-flood", Limits(reply_bytes=100_000), Ending.LARGE),
    ],
)
def test_an_answer_without_an_end_is_given_up(sim: Simulator, model: str, limits: Limits, ending: Ending) -> None:
    file = io.StringIO()
    place = endpoint(sim.url, plain_http=True)
    body = json.dumps({"model": model, "stream": True, "messages": [{"role": "user", "content": "x"}]}).encode()
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    Probe(place, Writer(file, TOKEN), SystemClock(), limits).post(body, headers)
    assert json.loads(file.getvalue().splitlines()[-1])["end"] == ending
    assert sim.posts == 1


# ── Replayed ──


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("sora-2", ()),
        ("sora-2", ("--whole",)),
        ("sim-split-bytes", ("--whole",)),
        ("sim-bom", ()),
        ("sim-429", ()),
        ("sim-cut", ()),
        ("sim-content-length-lies", ()),
        ("sim-closed-at-once", ()),
    ],
)
def test_a_recording_replays_byte_for_byte(sim: Simulator, tmp_path: Path, model: str, options: Sequence[str]) -> None:
    first, again = tmp_path / "first", tmp_path / "again"
    probe(sim, first, "--yes", "--model", model, *options)
    kept = recording(first)
    with Simulator(only=replay.scene(kept, fast=True)) as replayed:
        done = probe(replayed, again, "--yes", "--model", "sim-another", *options)
        assert [sent.data for sent in replayed.sent] == [piece.data for piece in kept.pieces][-KEPT_FRAMES:]
    second = recording(again)
    assert second.body == kept.body
    assert (second.status, second.headers, second.ending) == (kept.status, kept.headers, kept.ending)
    assert done.returncode == (0 if model in ("sora-2", "sim-split-bytes", "sim-bom") else 1)


@contextmanager
def simulator(*options: str) -> Iterator[str]:
    """`python -m dev.simulator` with these options; what it prints first."""
    running = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "dev.simulator", *options],
        cwd=ROOT,
        env=environment(None),
        stdout=subprocess.PIPE,
        text=True,
    )
    with running:
        assert running.stdout is not None
        yield running.stdout.readline().strip()
        running.terminate()
    assert running.returncode == 0


def test_the_simulator_replays_a_file_by_name(sim: Simulator, tmp_path: Path) -> None:
    probe(sim, tmp_path, "--yes")
    kept = recording(tmp_path)
    (path,) = tmp_path.iterdir()
    with simulator("--replay", str(path), "--fast") as url:
        again = tmp_path / "again"
        done = probe(None, again, "--yes", "--model", "veo3", UPSTREAM_BASE_URL=url, MEDIA_TRUSTED_ORIGINS=sim.origin)
        assert done.returncode == 0, done.stdout
        assert recording(again).body == kept.body


def test_a_request_that_no_relay_would_send_is_not_answered_from_a_recording() -> None:
    with Simulator(only=only(DONE)) as replayed:
        assert chat(replayed, "").status == 400


def test_the_simulator_says_what_cannot_be_replayed(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    for text, says in ((None, "No such file"), ("{}", "line 1: ")):
        if text is not None:
            path.write_text(text)
        command = [sys.executable, "-m", "dev.simulator", "--replay", str(path)]
        done = subprocess.run(  # noqa: S603 - our own module
            command, cwd=ROOT, env=environment(None), capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert says in done.stderr
        assert "Traceback" not in done.stderr
