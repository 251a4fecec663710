"""From a video that was begun to one that is there: watched, and fetched. Ctrl-C leaves it running."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reelay_cli import screen
from reelay_cli.failures import Exit, Failure
from reelay_cli.files import Target
from reelay_cli.told import FREE
from reelay_cli.video import Video

if TYPE_CHECKING:
    from reelay_cli.client import Relay, Variant

FIRST_LOOK_SECONDS = 0.5
LIVE_SECONDS = 2.0
"""Between two looks at most, where somebody sits before the bar: the relay's own wish, 5 s (`openai-poll-after-ms`),
leaves it standing while the video is there."""

PATIENCE_SECONDS = 120.0
"""How long a relay may not answer while a video is watched: the video goes on meanwhile."""

AGAIN_SECONDS = 1.0
"""Between two looks at a relay that does not answer."""

FETCH_SECONDS = 3600.0
"""For a whole file, which a relay keeps up to 2 GiB of."""

WORDS = {"queued": "queued", "in_progress": "generating", "completed": "generated", "failed": "failed"}
NO_ANSWER = "no answer, trying on"


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is asked and for how many seconds, where the video goes in the end, and the options of this command that
    `reelay attach` needs to go on with it. For `patience` seconds the relay may be away."""

    relay: Relay
    seconds: float
    target: Target | None
    options: str
    patience: float = PATIENCE_SECONDS

    def follow(self, video: Video) -> Video:
        """The video once it is completed, and its file in its place. Raises Failure, which names the video."""
        try:
            video = self._watched(video)
            if video.status == "failed":
                raise failed(video)
            if self.target:
                fetch(self.relay, video.id, "video", self.target)
        except KeyboardInterrupt:
            failure = Failure(f"Detached. {video.id} goes on without you.", Exit.LEFT)
            raise self._leading_back(failure, video) from None
        except Failure as failure:
            raise self._leading_back(failure, video) from None
        return video

    def _watched(self, video: Video) -> Video:
        end = time.monotonic() + self.seconds
        wait = FIRST_LOOK_SECONDS
        with screen.percents(WORDS[video.status], video.progress) as bar:
            while video.running:
                bar.show(WORDS[video.status], video.progress)
                if time.monotonic() + wait > end:
                    raise Failure(f"{video.id} is not finished after {self.seconds:g} s.", Exit.LATER)
                time.sleep(wait)
                video, wait = self._seen(video, bar)
                wait = min(wait, LIVE_SECONDS) if bar.moves else wait
            if video.status == "completed":
                bar.show(WORDS[video.status], video.progress)
        return video

    def _seen(self, video: Video, bar: screen.Bar) -> tuple[Video, float]:
        """As `Relay.look`, through a network that breaks now and then."""
        end = time.monotonic() + self.patience
        while True:
            try:
                return self.relay.look(video.id, patient=False)
            except Failure as failure:
                passes = failure.exit in (Exit.UNREACHED, Exit.LATER)
                if not passes or time.monotonic() + AGAIN_SECONDS > end:
                    raise
            bar.show(NO_ANSWER, video.progress)
            time.sleep(AGAIN_SECONDS)

    def _leading_back(self, failure: Failure, video: Video) -> Failure:
        failure.id = video.id
        if failure.exit is Exit.FILE:
            failure.next = f"The relay keeps the video: reelay download {video.id} -o ANOTHER-NAME"
        elif failure.exit not in (Exit.FAILED, Exit.REFUSED):
            failure.next = f"Come back with: reelay attach {video.id}{self.options}"
        return failure


def failed(video: Video) -> Failure:
    """What a video failed with."""
    code, words = video.why()
    return Failure(f"The video failed: {words}", Exit.FAILED, code=code, spent=code not in FREE)


def fetch(relay: Relay, id: str, variant: Variant, target: Target) -> None:
    """Get a file into its place. Raises Failure."""
    with relay.file(id, variant) as file, screen.bytes_of("downloading", file.size) as bar:
        target.write(_counted(file.pieces, bar))


def _counted(pieces: Iterator[bytes], bar: screen.Bar) -> Iterator[bytes]:
    end = time.monotonic() + FETCH_SECONDS
    for piece in pieces:
        if time.monotonic() > end:
            raise Failure("The file does not come to an end.", Exit.UNREACHED)
        bar.more(len(piece))
        yield piece
