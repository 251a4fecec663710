"""`make deploy-local`: template.yaml deployed by the real SAM into MiniStack on loopback, and its triggers fired."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class NotSo(Exception):
    """Something is not as it should be; the message says what, in words for the person at the terminal."""
