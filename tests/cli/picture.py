"""A recording as an SVG that moves: no script, no font and nothing else from outside, so that a page may show it."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.style import Style
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

from tests.cli.recording import Frame

SPEED = 2.0
"""How much faster it is played than it was."""

LAST_SECONDS = 8.0
"""How long the end stands before it begins again."""

CHARACTER, LINE, MARGIN, BAR = 8.4, 20, 20, 38
"""In pixels: a character's width, a line's height, around the text, and above it."""

DIM = 0.55
"""How much of a dim text is seen."""

HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">
<title>{title}</title>
<style>
text {{ font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre; }}
.past {{ opacity: 0 }}
@media (prefers-reduced-motion: no-preference) {{
{moves}
}}
</style>
<rect x="0.5" y="0.5" width="{right}" height="{bottom}" rx="10" fill="{paper}" stroke="#8884"/>
<g fill="#fff3"><circle cx="22" cy="20" r="5"/><circle cx="40" cy="20" r="5"/><circle cx="58" cy="20" r="5"/></g>
"""


@dataclass(frozen=True, slots=True)
class Stay:
    """A line's text, where it stood, and from when until when in seconds; None is the end."""

    row: int
    text: Text
    begin: float
    end: float | None


def svg(frames: Sequence[Frame], columns: int, title: str) -> str:
    """The picture. Who asks for no motion sees the last frame."""
    seconds = frames[-1].second / SPEED + LAST_SECONDS
    stays = sorted(_stays(frames), key=lambda stay: (stay.row, stay.begin))
    width = round(columns * CHARACTER + 2 * MARGIN)
    height = BAR + max(len(frame.lines) for frame in frames) * LINE + MARGIN
    names = {moment: f"m{number}" for number, moment in enumerate(dict.fromkeys((s.begin, s.end) for s in stays))}
    head = HEAD.format(
        width=width,
        height=height,
        right=width - 1,
        bottom=height - 1,
        title=html.escape(title),
        paper=SVG_EXPORT_THEME.background_color.hex,
        moves="\n".join(_move(name, begin, end, seconds) for (begin, end), name in names.items()),
    )
    drawn = (_drawn(stay, names[stay.begin, stay.end]) for stay in stays if stay.text.plain.strip())
    return head + "\n".join(drawn) + "\n</svg>\n"


def _stays(frames: Sequence[Frame]) -> Iterator[Stay]:
    """Every line once for as long as it did not change."""
    for row in range(max(len(frame.lines) for frame in frames)):
        known, since = Text(), 0.0
        for frame in frames:
            text = frame.lines[row] if row < len(frame.lines) else Text()
            if text != known or text.spans != known.spans:
                yield Stay(row, known, since, frame.second)
                known, since = text, frame.second
        yield Stay(row, known, since, None)


def _move(name: str, begin: float, end: float | None, seconds: float) -> str:
    """Seen from `begin` until `end`, again and again; a round takes `seconds`."""
    steps = {0.0: 0, begin: 1} | ({} if end is None else {end: 0})
    keys = " ".join(f"{100 * at / SPEED / seconds:.2f}% {{ opacity: {seen} }}" for at, seen in steps.items())
    return f".{name} {{ animation: {name} {seconds:.1f}s step-end infinite }} @keyframes {name} {{ {keys} }}"


def _drawn(stay: Stay, name: str) -> str:
    """Each piece of one look at its own place: so columns stand below each other in any font."""
    pieces, column = [], 0
    for text, style, _ in stay.text.render(Console(color_system="truecolor")):
        if text.strip():
            pieces.append(_piece(text, style or Style.null(), column))
        column += len(text)
    past = "" if stay.end is None else "past "
    return f'<g class="{past}{name}" transform="translate({MARGIN} {BAR + stay.row * LINE + 14})">{"".join(pieces)}</g>'


def _piece(text: str, style: Style, column: int) -> str:
    ink = style.color.get_truecolor(SVG_EXPORT_THEME) if style.color else SVG_EXPORT_THEME.foreground_color
    looks = f'fill="{ink.hex}"'
    looks += ' font-weight="bold"' if style.bold else ""
    looks += f' opacity="{DIM}"' if style.dim else ""
    place = f'x="{column * CHARACTER:.1f}" textLength="{len(text) * CHARACTER:.1f}"'
    return f"<text {place} {looks}>{html.escape(text)}</text>"
