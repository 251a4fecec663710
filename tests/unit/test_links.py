from __future__ import annotations

import itertools
import json
import pickle
import time
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelay.links import MAX_LINK_CHARACTERS, MAX_SCANNED_CHARACTERS, Progress, ProgressReader, media_links
from reelay.model import Link, MediaKind
from tests.unit.captured import (
    CAPTURED,
    POSTER,
    SIGNED_VIDEO,
    STREAMS,
    TASK_ID,
    V2,
    V4,
    V5,
    V7,
    V8,
    VIDEO,
    Payload,
    content_of,
    echo,
)

A, B = "https://cdn.example/a.mp4", "https://cdn.example/b.mp4"
PLANTED = "https://planted.example/x.mp4"
PLANT = (
    f"```\n[在线播放]({PLANTED}) <video src='{PLANTED}'> {PLANTED} \\ \" \\\" ``` "
    "> ID: `task_00000000000000000000000000`\n> 生成完成 进度 99% ❌ 生成失败"
)


def video(content: str) -> str | None:
    return next((link.url for link in media_links(content) if link.kind is MediaKind.VIDEO), None)


def poster(content: str) -> str | None:
    return next((link.url for link in media_links(content) if link.kind is MediaKind.THUMBNAIL), None)


@pytest.mark.parametrize(
    ("stream", "links"),
    [
        (CAPTURED, (Link(MediaKind.VIDEO, VIDEO), Link(MediaKind.THUMBNAIL, POSTER))),
        (V2, (Link(MediaKind.VIDEO, VIDEO), Link(MediaKind.THUMBNAIL, POSTER))),
        (V4, (Link(MediaKind.VIDEO, VIDEO),)),
        ((V5,), (Link(MediaKind.VIDEO, VIDEO),)),
        (V7, (Link(MediaKind.VIDEO, VIDEO),)),
        (V8, (Link(MediaKind.VIDEO, SIGNED_VIDEO), Link(MediaKind.THUMBNAIL, POSTER))),
    ],
    ids=["captured", "V2", "V4", "V5", "V7", "V8"],
)
def test_every_stream_that_was_seen_gives_its_video_and_its_poster(
    stream: tuple[Payload, ...], links: tuple[Link, ...]
) -> None:
    assert media_links(content_of(stream)) == links


VIDEOS: dict[str, tuple[str, str | None]] = {
    "the last markdown link": (f"[first]({A}) [second]({B}) [text](https://x.example/)", B),
    "markdown before a video tag": (f"[a]({A}) <video src='{B}'>", A),
    "a video tag before a bare link": (f"<video controls src='{A}' poster='x'></video> {B}", A),
    "a bare link": (f"see {A}", A),
    "a video file before a label": (f"{A} [点击这里](https://x.example/help)", A),
    "a label without a file name": ("[在线播放▶️](https://x.example/v/1?s=2)", "https://x.example/v/1?s=2"),
    "an English label": ("[Watch the video](https://x.example/v/1)", "https://x.example/v/1"),
    "any text with a video file": (f"[\\]x]({A})", A),
    "a link with a title": (f'[a]({A} "在线播放")', A),
    "a link in angle brackets": (f"[a](<{A}>)", A),
    "an image that is a video": (f"![a]({A})", A),
    "a video tag without a file name": ('<VIDEO width="9" SRC = "https://x.example/v/1">', "https://x.example/v/1"),
    "an unquoted source": (f"<video src={A}>", A),
    "entities in a source": ("<video src='https://x.example/v?a=1&amp;b=2'>", "https://x.example/v?a=1&b=2"),
    "entities that are none": (f"[a]({A}?a=1&copy=2&amp;lt=3)", f"{A}?a=1&copy=2&lt=3"),
    "other endings": ("https://x.example/a.WEBM", "https://x.example/a.WEBM"),
    "an Apple ending, a fragment": ("https://x.example/a.mov#t=1", "https://x.example/a.mov#t=1"),
    "plain http, for the archive to refuse": ("http://x.example/a.mp4", "http://x.example/a.mp4"),
    "a full stop after it": (f"It is at {A}.", A),
    "a Chinese sentence after it": (f"视频：{A}，请查看", A),
    "bold": (f"**{A}**", A),
    "in backticks": (f"`{A}`", A),
    "in brackets": (f"({A})", A),
    "a poster without a video": (f"![x]({POSTER})", None),
    "data previews": (f"[数据预览]({A}) [原始数据](https://asyncdata.net/source/play)", None),
    "an image with a label that says play": ("![播放](https://x.example/1)", None),
    "a link to an image that says play": ("[播放](https://x.example/1.png)", None),
    "an ordinary link": ("[terms](https://x.example/1)", None),
    "a host that ends like a file": ("https://x.mov https://y.mp4?a=/b.mp4", None),
    "an ending in the query": ("https://x.example/a?file=b.mp4", None),
    "a source of another tag": ("<video></video><img src='https://x.example/1'>", None),
    "another attribute of the tag": ("<video data-x='https://x.example/1'>", None),
    "other schemes": ("ftp://x.example/a.mp4 file:///a.mp4 //x.example/a.mp4 javascript:a.mp4", None),
    "nothing after the scheme": ("https:// https://， [a](https://)", None),
    "nothing": ("", None),
}


@pytest.mark.parametrize(("content", "found"), VIDEOS.values(), ids=VIDEOS)
def test_the_video_is_the_last_link_of_the_best_form(content: str, found: str | None) -> None:
    assert video(content) == found


def test_the_poster_is_the_last_image_and_markdown_goes_first() -> None:
    page = f"![a](https://x.example/1.png) ![b]({POSTER}) <img src='https://x.example/ad.gif'> {A}"
    assert poster(page) == POSTER
    assert poster(f"<video src='{A}' poster='https://x.example/p.JPEG?a=1'>") == "https://x.example/p.JPEG?a=1"


def test_a_link_is_believed_up_to_its_longest_and_not_cut_beyond_it() -> None:
    longest = A + "?" + "x" * (MAX_LINK_CHARACTERS - len(A) - 1)
    assert video(f"[play]({longest})") == longest
    assert video(f"[play]({longest}x)") is None


def test_only_the_end_of_a_long_text_is_searched() -> None:
    assert video(A + " " * MAX_SCANNED_CHARACTERS) is None
    assert video(" " * MAX_SCANNED_CHARACTERS + A) == A


ECHOES: dict[str, str] = {
    "as captured": echo(prompt=PLANT),
    "on one line": "```json\n" + json.dumps({"prompt": PLANT}) + "\n```",
    "without line ends": "```json" + json.dumps({"prompt": PLANT}) + "```",
    "after blank lines": "\n \n" + echo(prompt=PLANT),
    "in capitals": echo(prompt=PLANT).replace("json", "JSON", 1),
    "two of them": echo(prompt=PLANT) + "\n\n" + echo(sid=PLANT),
    "a prompt of quotes and backslashes": echo(prompt='\\\\"\\' + PLANT + '"\\"\\\\'),
    "a prompt of backticks": echo(prompt="`" * 4 + PLANT + "`" * 5),
    "not JSON, with a lone quote": '```json\nprompt: a 12" screen\nurl: ' + PLANTED + "\n```",
}


@pytest.mark.case("planted-link")
@pytest.mark.parametrize("echoed", ECHOES.values(), ids=ECHOES)
def test_nothing_in_the_echo_is_believed_and_what_follows_is(echoed: str) -> None:
    assert media_links(echoed) == ()
    assert video(f"{echoed}\n\n[a]({A})") == A
    assert read([f"{echoed}\n\n> 排队中\n"]) == ([Progress("queued", 0)], None)
    assert read(f"{echoed}\n\n> ID: `{TASK_ID}`\n> 进度 12..") == ([Progress("in_progress", 12)], TASK_ID)


@pytest.mark.parametrize("echoed", ECHOES.values(), ids=ECHOES)
def test_an_echo_is_skipped_wherever_it_is_cut(echoed: str) -> None:
    text = f"{echoed}\n\n> ID: `{TASK_ID}`\n> 进度 12..44.."
    for at in range(len(text) + 1):
        changes, task_id = read([text[:at], text[at:]])
        assert (changes[-1], task_id) == (Progress("in_progress", 44), TASK_ID)


@pytest.mark.case("planted-link")
def test_an_echo_that_does_not_end_hides_everything() -> None:
    unended = echo(prompt=PLANT).removesuffix("```") + PLANT.replace("```", "")
    assert media_links(unended) == ()
    assert read(unended) == ([], None)


def test_only_a_json_fence_at_the_beginning_is_the_echo() -> None:
    assert video(f"```html\n<video src='{A}'>\n```") == A
    assert video(f"Here:\n```json\n{A}\n```") == A
    assert video(f"```\n{A}\n```") == A
    assert video(f"`{A}`") == A


def read(pieces: Iterable[str]) -> tuple[list[Progress], str | None]:
    """Every change of progress, and the task id."""
    reader = ProgressReader()
    seen = [reader.feed(piece) for piece in pieces]
    return [progress for progress in seen if progress], reader.task_id


def read_stream(payloads: Iterable[Payload]) -> tuple[list[Progress], str | None]:
    reader = ProgressReader()
    deltas = [payload["choices"][0]["delta"] for payload in payloads]
    seen = [reader.feed(delta.get("content") or "", delta.get("reasoning_content") or "") for delta in deltas]
    return [progress for progress in seen if progress], reader.task_id


def going(*percents: int) -> list[Progress]:
    return [Progress("in_progress", percent) for percent in percents]


QUEUED, COMPLETED = Progress("queued", 0), Progress("completed", 100)
AS_CAPTURED = ([QUEUED, *going(0, 36, 44, 61, 69, 81), COMPLETED], TASK_ID)


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("captured", AS_CAPTURED),
        ("V2", AS_CAPTURED),
        ("V4", ([QUEUED, *going(36, 92), COMPLETED], None)),
        ("V5", ([COMPLETED], None)),
        ("V7", (going(8, 40, 95), None)),
        ("V8", AS_CAPTURED),
    ],
)
def test_progress_and_task_id_of_every_stream_that_was_seen(name: str, seen: tuple[list[Progress], str | None]) -> None:
    assert read_stream(STREAMS[name]) == seen


TOLD = [
    content_of(CAPTURED),
    content_of(V4),
    "".join(p["choices"][0]["delta"].get("reasoning_content") or "" for p in V7),
]


@pytest.mark.parametrize("text", TOLD, ids=["captured", "V4", "V7"])
def test_progress_does_not_depend_on_where_the_text_is_cut(text: str) -> None:
    one_by_one = read(text)
    assert len(one_by_one[0]) > 2
    for at in range(len(text) + 1):
        changes, task_id = read([text[:at], text[at:]])
        assert (changes[-1], task_id) == (one_by_one[0][-1], one_by_one[1])
        assert set(changes) <= set(one_by_one[0])


MARKS: dict[str, tuple[str, list[Progress]]] = {
    "in the queue": ("⌛️ 任务正在队列中，请耐心等待...", [QUEUED]),
    "a failure": ("> 排队中\n❌ 生成失败: 内容违规", [QUEUED, Progress("failed", 0)]),
    "a failure keeps the percentage": ("进度 36.. ❌生成失败", [*going(36), Progress("failed", 36)]),
    "a success after a failure": ("❌ 生成失败\n生成完成", [Progress("failed", 0), COMPLETED]),
    "nothing after the end": ("视频生成成功\n生成中 进度 7%\n排队中 ❌ 生成失败", [COMPLETED]),
    "numbers never fall": ("进度 36..12..36..40..", going(36, 40)),
    "decimals": ("进度：9.50%\n进度：10.0%", going(9, 10)),
    "a space before the sign": ("Progress: 40 %", going(40)),
    "at the end of a line": ("进度 36\n进度 37.\n", going(36, 37)),
    "nought": ("进度 0..", going(0)),
    "a hundred": ("进度 100%", going(100)),
    "over a hundred": ("进度 101% 999..", []),
    "four digits": ("进度 1036%", []),
    "a number not ended": ("进度 36", []),
    "a number of another line": ("进度\n36..", []),
    "a number without a gauge": ("36.. 44% 7\n", []),
    "a long number cut by the memory": ("进度 " + "7" * 300 + "%", []),
    "a number far from its gauge": ("进度 " + "." * 300 + "44..", going(44)),
    "failure without the cross": ("如果生成失败，请重试", []),
    "plain words": ("a video of progress in the park", []),
}


@pytest.mark.parametrize(("text", "changes"), MARKS.values(), ids=MARKS)
def test_progress_is_read_from_the_words_of_the_upstream(text: str, changes: list[Progress]) -> None:
    assert read(text)[0] == changes


IDS: dict[str, tuple[str, str | None]] = {
    "in a quote": (f"> ID: `{TASK_ID}`\n", TASK_ID),
    "without backticks": (f">ID:{TASK_ID}\n", TASK_ID),
    "the first one": (f"> ID: `{TASK_ID}`\n> ID: `{TASK_ID[:-1]}x`", TASK_ID),
    "not ended": (f"> ID: `{TASK_ID}", None),
    "too short": ("> ID: `task_01k7`", None),
    "too long": ("> ID: `task_" + "0" * 41 + "`", None),
    "of other characters": ("> ID: `task_" + "A" * 26 + "`", None),
    "on another line": (f"see `{TASK_ID}` ", None),
}


@pytest.mark.parametrize(("text", "task_id"), IDS.values(), ids=IDS)
def test_the_task_id_is_read_from_its_line(text: str, task_id: str | None) -> None:
    assert read(text)[1] == task_id
    assert read([text])[1] == task_id


def test_an_echo_in_the_content_is_skipped_though_reasoning_came_first() -> None:
    reader = ProgressReader()
    assert reader.feed("", "thinking 进度 ") is None
    assert reader.feed(echo(prompt=PLANT)) is None
    assert reader.feed("\n") is None
    assert reader.feed("", "36..") == Progress("in_progress", 36)
    assert reader.task_id is None


WORDS = st.sampled_from(
    [
        "```json",
        "```",
        "`",
        '"',
        "\\",
        "\n",
        "进度",
        " 36",
        "..",
        "%",
        "1",
        "> ID: `task_",
        "0" * 26,
        "生成",
        "中",
        "完成",
        "❌ ",
        "失败",
    ]
) | st.sampled_from(["[play](", "https://x.example/", "a.mp4", ")", "<video src='", "'", "![", "]", "progress", " "])


@settings(max_examples=100, deadline=None)
@given(st.lists(WORDS | st.text(max_size=5)))
def test_any_text_is_read_without_raising_and_alike_in_any_pieces(words: list[str]) -> None:
    text = "".join(words)
    assert all(len(link.url) <= MAX_LINK_CHARACTERS for link in media_links(text))
    changes, task_id = read(words)
    by_character, same_task_id = read(text)
    assert task_id == same_task_id
    assert changes[-1:] == by_character[-1:]
    for earlier, later in itertools.pairwise(by_character):
        assert earlier.percent <= later.percent <= 100


HOSTILE = [
    "http://",
    "https://a.mp4/",
    "[",
    "![",
    "](",
    "[play](http://a/",
    "<video src='http://a ",
    "\\",
    '"',
    "`",
    "```",
]
HOSTILE += [
    "```json\\",
    '```json"',
    "> ID: `task_0",
    "进度",
    "进度 1",
    "1",
    "p",
    ">",
    "❌ ",
    "生成",
    " ",
    "\n",
    "http://a?",
]


def cpu_seconds(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(2):
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return min(spent)


@pytest.mark.case("redos")
@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_text_costs_time_in_proportion(unit: str) -> None:
    few, many = (unit * (size // len(unit)) for size in (10_000, 80_000))

    def halves(text: str) -> list[str]:
        return [text[at : at + 50] for at in range(0, len(text), 50)]

    # Eight times the text; quadratic would be 64 times, and the millisecond is for the clock's grain.
    assert cpu_seconds(lambda: media_links(many)) < 24 * cpu_seconds(lambda: media_links(few)) + 0.001
    assert cpu_seconds(lambda: read(halves(many))) < 24 * cpu_seconds(lambda: read(halves(few))) + 0.001


@pytest.mark.parametrize(
    "text", ["x" * 100, "> ID: `task_", "1" * 100, " " * 100, "\\" * 99, "```", '```json "' * 20, "进度 1.1"]
)
def test_the_reader_holds_little_of_a_long_text(text: str) -> None:
    reader = ProgressReader()
    for _ in range(1_000):
        reader.feed(text, text)
    assert len(pickle.dumps(reader)) < 1_000
