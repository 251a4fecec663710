"""A completion's text to media links, progress and task id. No I/O; nothing found here is trusted.

The text begins with an echo of the request in a ```json fence. Whatever stands in there comes from the caller, who
could plant links, progress and ids in it, so it is never looked at; nor is anything after it if it does not end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from reelay.model import Link, MediaKind

MAX_SCANNED_CHARACTERS: Final = 256 * 1024
"""How much of a completion's end is searched for links. A video's text is 1-2 KiB with its link at the end."""

MAX_LINK_CHARACTERS: Final = 2000
"""The longest link that is believed. Signed links run to 500-1000; 2000 is what common proxies and browsers take."""

_FENCE = "```"
_ECHO_OPENS = _FENCE + "json"
_IN_ECHO = re.compile(r'\\[^\n]|["\n]|```')
_CUT_TOKEN = re.compile(r"(?:\\|`{1,2})\Z")

_URL = re.compile(r"https?://[^\s<>\"')\]]+")
_NOT_IN_A_BARE_URL = re.compile(r"[^!-~]")
_AFTER_A_BARE_URL = ".,;:!?*_~`|\\}"
_BEFORE_CHARACTERS = 300
_VIDEO_FILES = (".mp4", ".webm", ".mov")
_IMAGE_FILES = (".webp", ".png", ".jpg", ".jpeg", ".gif")
_SAYS_PLAY = re.compile(r"播放|点击这里|观看|查看视频|下载视频|\b(?:play|watch|video)\b", re.IGNORECASE)
_SAYS_DATA = re.compile(r"数据预览|原始数据")
_MARKDOWN, _VIDEO_TAG, _BARE, _LABELLED = range(4)

_MARK_BEGINS = re.compile(r"[\n排任生视❌进Pp\d>]", re.ASCII)
_MARK = re.compile(
    r"""(?P<line>\n)
    | (?P<queued>排队中|任务正在队列中)
    | (?P<running>生成中)
    | (?P<completed>生成完成|视频生成成功)
    | (?P<failed>❌[ ]{0,4}(?:视频)?生成失败)
    | (?P<gauge>进度|[Pp]rogress)
    | (?<!\d)(?P<percent>\d{1,3})(?:\.\d{1,4})?(?:[ ]?%|\.\.|\.?(?=[\r\n]))
    | >[ ]{0,4}ID:[ ]{0,4}`?(?P<task>task_[0-9a-z]{20,40})(?=[^0-9a-z])
    """,
    re.ASCII | re.VERBOSE,
)
_MARK_CHARACTERS = 64
_ORDER = ("queued", "in_progress", "failed", "completed")


class _PastEcho:
    """Lets through what stands after the echo at the beginning of a text that comes in pieces.

    The echo is JSON, so a fence inside a string does not close it; a raw line end is not allowed in a JSON string and
    ends one.
    """

    def __init__(self) -> None:
        self._held = ""
        self._inside = False
        self._quoted = False
        self._past = False

    def feed(self, text: str) -> str:
        """The part of the next piece that does not belong to the echo."""
        while not self._past:
            text, self._held = self._held + text, ""
            if not self._inside:
                text = text.lstrip()
                if len(text) < len(_ECHO_OPENS) and _ECHO_OPENS.startswith(text.lower()):
                    self._held = text
                    return ""
                self._inside = text[: len(_ECHO_OPENS)].lower() == _ECHO_OPENS
                self._past = not self._inside
                text = text[len(_ECHO_OPENS) :] if self._inside else text
            elif (closed := self._closed(text)) is None:
                return ""
            else:
                text = closed
        return text

    def _closed(self, text: str) -> str | None:
        """What follows the closing fence, or None when the echo goes on; then a token cut in two is held back."""
        end = 0
        for token in _IN_ECHO.finditer(text):
            end = token.end()
            if token[0] == '"':
                self._quoted = not self._quoted
            elif token[0] == "\n":
                self._quoted = False
            elif token[0] == _FENCE and not self._quoted:
                self._inside = False
                return text[end:]
        cut = _CUT_TOKEN.search(text, max(end, len(text) - 2))
        self._held = cut[0] if cut else ""
        return None


def media_links(content: str) -> tuple[Link, ...]:
    """The video a completion's text offers, and its poster: at most one of each, the video first.

    The last link of the best form wins. Forms of a video, best first: a markdown link to a video file, the source of a
    `<video>`, a bare URL of a video file, a markdown link whose text speaks of playing. A poster is a link to an image
    file, markdown before others, and only with a video. Links over MAX_LINK_CHARACTERS are not links. Time is linear,
    and only the last MAX_SCANNED_CHARACTERS are searched.
    """
    text = _PastEcho().feed(content)[-MAX_SCANNED_CHARACTERS:]
    best: dict[MediaKind, tuple[int, str]] = {}
    for match in _URL.finditer(text):
        found = _judged(match[0], text[max(0, match.start() - _BEFORE_CHARACTERS) : match.start()])
        if found is None:
            continue
        kind, form, url = found
        if kind not in best or form <= best[kind][0]:
            best[kind] = (form, url)
    if MediaKind.VIDEO not in best:
        return ()
    return tuple(Link(kind, best[kind][1]) for kind in (MediaKind.VIDEO, MediaKind.THUMBNAIL) if kind in best)


def _judged(url: str, before: str) -> tuple[MediaKind, int, str] | None:
    """What a URL is, going by its file name and by the text `before` it: kind, form, and the URL cleaned."""
    label = _label(before)
    form = _MARKDOWN if label is not None else _VIDEO_TAG if _in_video_tag(before) else _BARE
    if form == _BARE:
        url = _NOT_IN_A_BARE_URL.split(url, maxsplit=1)[0].rstrip(_AFTER_A_BARE_URL)
    url = url.replace("&amp;", "&")
    if len(url) > MAX_LINK_CHARACTERS or (label and _SAYS_DATA.search(label)):
        return None
    name = _file_name(url)
    if name.endswith(_IMAGE_FILES):
        return MediaKind.THUMBNAIL, form, url
    if name.endswith(_VIDEO_FILES) or form == _VIDEO_TAG:
        return MediaKind.VIDEO, form, url
    return (MediaKind.VIDEO, _LABELLED, url) if label and _SAYS_PLAY.search(label) else None


def _label(before: str) -> str | None:
    """The text of the markdown link whose target begins after `before`, "" for an image; None when there is none."""
    if not before.endswith(("](", "](<")):
        return None
    lead, bracket, label = before[: before.rindex("](")].rpartition("[")
    return label if bracket and not lead.endswith("!") else ""


def _in_video_tag(before: str) -> bool:
    if not before.endswith(('"', "'", "=")):
        return False
    _, tag, attributes = before.lower().rpartition("<video")
    return bool(tag) and ">" not in attributes and attributes.rstrip("\"' ").endswith(("src=", "src ="))


def _file_name(url: str) -> str:
    """The last part of a URL's path in lower case, "" where there is no path."""
    path = url.split("?", 1)[0].split("#", 1)[0].partition("://")[2]
    return path.rpartition("/")[2].lower() if "/" in path else ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the upstream says it is: `status` in the words of the Videos API, `percent` 0-100."""

    status: str
    percent: int


class _Channel:
    """The marks in one text that comes in pieces, each found once however the text is cut.

    `in_gauge` is for the reader of the marks: numbers are percentages from a gauge's name to the end of its line.
    Holds back at most as much as the longest mark, with one character before it, so that the end of a longer number is
    never taken for a number.
    """

    def __init__(self) -> None:
        self.in_gauge = False
        self._past_echo = _PastEcho()
        self._tail = ""
        self._start = 0

    def marks(self, text: str) -> list[re.Match[str]]:
        """The marks that the next piece completes."""
        fresh = self._past_echo.feed(text)
        if not fresh:
            return []
        text = self._tail + fresh
        marks = []
        at, undecided = self._start, len(text)
        while begins := _MARK_BEGINS.search(text, at):
            if mark := _MARK.match(text, begins.start()):
                marks.append(mark)
                at, undecided = mark.end(), len(text)
            else:
                at, undecided = begins.end(), min(undecided, begins.start())
        start = max(undecided, len(text) - _MARK_CHARACTERS)
        self._tail = text[max(0, start - 1) :]
        self._start = min(start, 1)
        return marks


class ProgressReader:
    """Progress and task id, read from a stream's text as it comes, in time linear in the text and bounded memory.

    Both only go forward: queued, in_progress, failed, completed, and a percentage never falls.
    """

    def __init__(self) -> None:
        self._content = _Channel()
        self._reasoning = _Channel()
        self._progress: Progress | None = None
        self._task_id: str | None = None

    @property
    def task_id(self) -> str | None:
        """The upstream's id of the job, from the first `> ID:` line that had one."""
        return self._task_id

    def feed(self, text: str, reasoning: str = "") -> Progress | None:
        """Read the next piece of the content, and of the reasoning; the progress, if these pieces changed it."""
        before = self._progress
        self._read(self._content, text)
        if reasoning:
            self._read(self._reasoning, reasoning)
        return self._progress if self._progress != before else None

    def _read(self, channel: _Channel, text: str) -> None:
        for mark in channel.marks(text):
            match mark.lastgroup:
                case "line" | "gauge" as place:
                    channel.in_gauge = place == "gauge"
                case "percent" if channel.in_gauge and int(mark["percent"]) <= 100:
                    self._advance("in_progress", int(mark["percent"]))
                case "task":
                    self._task_id = self._task_id or mark["task"]
                case "queued" | "failed" as status:
                    self._advance(status, 0)
                case "running":
                    self._advance("in_progress", 0)
                case "completed":
                    self._advance("completed", 100)

    def _advance(self, status: str, percent: int) -> None:
        now = self._progress or Progress("queued", 0)
        if _ORDER.index(status) >= _ORDER.index(now.status):
            self._progress = Progress(status, max(percent, now.percent))
