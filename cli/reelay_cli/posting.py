"""Asking for what costs money: one name for every attempt, and true words about what may have been spent."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

import openai

from reelay_cli.failures import Exit, Failure
from reelay_cli.told import PAID, lost, never_sent, refused
from reelay_cli.video import no_relay

PAUSES_SECONDS = (0.3, 1.0)
"""Before an answer that got lost is asked for again."""

T = TypeVar("T")


def posted(name: str, post: Callable[[], T]) -> T:
    """What `post` returns, which carries the Idempotency-Key `name` and is tried once at a time, without the SDK's own
    repetitions: those would not tell whether an earlier one had reached the relay.

    An answer that got lost is asked for again, for the name keeps it from being paid twice; what cannot have reached
    anybody is told at once. Raises Failure, `spent` told either way.
    """
    attempts = _Attempts(post)
    try:
        return attempts.answer()
    except openai.APIStatusError as error:
        failure = refused(error)
    except openai.APIConnectionError as error:
        failure = lost(error)
    except (Failure, ValueError):  # no video, or no JSON
        failure = no_relay()
    except KeyboardInterrupt:
        failure = Failure("Interrupted before the relay had answered.", Exit.UNKNOWN)
    failure.spent = bool(failure.spent) or attempts.reached
    if failure.spent and failure.code != PAID:
        failure.exit = Exit.UNKNOWN
        failure.next = (
            f"Run the same command again with --idempotency-key {name} within 24 hours: that asks what became of it, "
            "and is not paid twice. If it was begun, `reelay list` shows it too."
        )
    raise failure from None


class _Attempts(Generic[T]):
    """`reached` says whether one that was not answered may have reached the relay."""

    def __init__(self, post: Callable[[], T]) -> None:
        self._post = post
        self.reached = False

    def answer(self) -> T:
        for pause in PAUSES_SECONDS:
            try:
                return self._once()
            except openai.APIConnectionError:
                if not self.reached:
                    raise
            time.sleep(pause)
        return self._once()

    def _once(self) -> T:
        try:
            return self._post()
        except openai.APIStatusError:
            raise
        except openai.APIConnectionError as error:
            self.reached = self.reached or not never_sent(error)
            raise
        except (Failure, ValueError, KeyboardInterrupt):
            self.reached = True
            raise
