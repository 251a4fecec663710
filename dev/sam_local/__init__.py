"""`make sam-local`: the built application in containers, under the real `sam local`, with the stack's AWS around it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class NotSo(Exception):
    """Something is not as it should be; the message says what, in words for the person at the terminal."""


class NoEngine(Exception):
    """No container can run here; the message says why."""
