"""`make deploy`, `make smoke`, `make undeploy`: a stack in an AWS account, from the first question to what is left."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class NotDone(Exception):
    """Why it ended here; the message is for the person at the terminal."""
