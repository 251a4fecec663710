"""A recording: what is written is read again, and neither a key nor a cookie is ever in it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dev.probe.life import dies_at
from dev.recording import Ending, NotARecording, Recording, Writer, read
from dev.simulator import replay
from dev.simulator.ask import Ask
from dev.simulator.steps import Abort, Frame, Framing, Head, Pause, Silence, Step

SECRET = "sk-sks-0"
ASK = Ask({"model": "sora-2", "messages": []}, "http://127.0.0.1:9", 0.0)
FIRST = {"probe": 1, "asked": "2026-11-26T21:26:54Z", "upstream": "v98store.com", "model": "sora-2", "stream": True}


def written(pieces: list[bytes], ending: Ending = Ending.WHOLE, *, chunked: bool = True) -> str:
    """The file of an answer whose pieces came a second apart, the last of them a second before the end."""
    file = io.StringIO()
    writer = Writer(file, SECRET)
    writer.asked(FIRST["asked"], "v98store.com", "sora-2", stream=True)  # type: ignore[arg-type]  # a text among others
    framing = [("Transfer-Encoding", "chunked")] if chunked else [("Content-Length", "9")]
    writer.head(0.5, 200, [("Content-Type", "text/event-stream"), *framing, ("Set-Cookie", "a"), ("X-Key", SECRET)])
    for second, piece in enumerate(pieces, 1):
        writer.piece(float(second), piece)
    writer.end(len(pieces) + 1.0, ending)
    return file.getvalue()


def kept(text: str, folder: Path) -> Recording:
    path = folder / "probe.jsonl"
    path.write_text(text, encoding="utf-8")
    return read(path)


@given(st.lists(st.sampled_from([b"sk-", b"s", b"sk-sk", b"s-0", b"k", SECRET.encode(), b"\xf0\x9f", b"\n", b"x"])))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_answer_is_kept_byte_for_byte_but_for_the_key(tmp_path: Path, pieces: list[bytes]) -> None:
    text = written(pieces)
    found = kept(text, tmp_path)
    body = b"".join(pieces)
    assert found.body == body.replace(SECRET.encode(), b"*" * len(SECRET))
    assert [(piece.after, len(piece.data)) for piece in found.pieces] == [(n, len(p)) for n, p in enumerate(pieces, 1)]
    assert SECRET not in text
    assert json.loads(text.splitlines()[0]) == FIRST


def test_cookies_stay_out_and_a_key_in_a_header_is_masked(tmp_path: Path) -> None:
    found = kept(written([b"x"]), tmp_path)
    assert dict(found.headers) == {
        "Content-Type": "text/event-stream",
        "Transfer-Encoding": "chunked",
        "X-Key": "*" * len(SECRET),
    }
    assert (found.status, found.head_after, found.ending, found.ended_after) == (200, 0.5, Ending.WHOLE, 2.0)


def test_what_was_held_back_is_written_at_the_end_and_a_file_that_breaks_off_is_one_that_was_left(
    tmp_path: Path,
) -> None:
    text = written([b"a", b"sk"])
    assert kept(text, tmp_path).body == b"ask"
    broken_off = kept("\n".join(text.splitlines()[:-1]), tmp_path)
    assert (broken_off.body, broken_off.ending, broken_off.ended_after) == (b"ask", Ending.LEFT, 2.0)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("{}", 1),
        ("[]", 1),
        (json.dumps(FIRST) + "\nnull", 2),
        (json.dumps(FIRST) + '\n{"after": 1}', 2),
        (json.dumps(FIRST) + '\n{"after": 1, "end": "well"}', 2),
        (json.dumps(FIRST) + '\n{"after": 1, "base64": "?"}', 2),
        (json.dumps(FIRST) + '\n\n{"text": "x"}', 3),
    ],
)
def test_a_file_that_is_no_recording_is_refused_by_its_line(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(NotARecording, match=f"line {line}: "):
        kept(text, tmp_path)


def steps(recording: Recording, *, fast: bool = False) -> list[Step]:
    return list(replay.scene(recording, fast=fast).play(ASK))


def test_a_recording_is_played_with_its_own_pauses_or_with_none(tmp_path: Path) -> None:
    found = kept(written([b"a", b"b"]), tmp_path)
    shown = (("Content-Type", "text/event-stream"), ("X-Key", "*" * len(SECRET)))
    head = Head(200, shown, Framing.CHUNKED)
    pauses = [Pause(0.5), Pause(0.5), Pause(1.0), Pause(1.0)]
    assert steps(found) == [pauses[0], head, pauses[1], Frame(b"a"), pauses[2], Frame(b"b"), pauses[3]]
    assert steps(found, fast=True) == [head, Frame(b"a"), Frame(b"b")]


@pytest.mark.parametrize(
    ("ending", "last"),
    [
        (Ending.CUT, [Pause(1.0), Abort()]),
        (Ending.LATE, [Pause(1.0), Abort()]),
        (Ending.SILENT, [Silence(), Abort()]),
    ],
)
def test_a_recording_ends_as_the_answer_did(tmp_path: Path, ending: Ending, last: list[Step]) -> None:
    found = steps(kept(written([b"a"], ending, chunked=False), tmp_path))
    assert found[found.index(Frame(b"a")) + 1 :] == last
    assert isinstance(found[1], Head)
    assert found[1].framing is Framing.LENGTH


@pytest.mark.parametrize(
    ("query", "moment"),
    [
        ("", None),
        ("?x=1", None),
        ("?X-Amz-Date=20261126T210000Z&X-Amz-Expires=86392&X-Amz-Signature=0", 1795726800 + 86392),
        ("?X-Amz-Expires=86392", None),
        ("?X-Amz-Date=yesterday&X-Amz-Expires=86392", None),
        ("?X-Amz-Date=20261126T210000Z&X-Amz-Expires=soon", None),
        ("?X-Goog-Date=20261126T210000Z&X-Goog-Expires=60", 1795726860),
        ("?st=2026-11-26T21%3A00%3A00Z&se=2026-11-26T22%3A00%3A00Z&sig=%2F", 1795730400),
        ("?se=2026-11-26T22:00:00", 1795730400),
        ("?Expires=1795730400&Signature=x", 1795730400),
        ("?exp=1795730400", 1795730400),
        ("?exp=never", None),
    ],
)
def test_a_link_says_when_it_dies(query: str, moment: float | None) -> None:
    assert dies_at(f"https://videos.example/a.mp4{query}") == moment
