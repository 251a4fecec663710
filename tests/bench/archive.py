"""How fast and in how much memory a 1 GiB video is archived, against boto3's upload_fileobj alone."""

from __future__ import annotations

from tests.bench.archive_1gib import COPIES, MEMORY_MIB, VIDEO_MIB, run
from tests.bench.table import Mark, Row, at_least, below, median, told

ROUNDS, QUICK_ROUNDS = 3, 1
QUICK_MIB = 128
OF_BOTO3 = 0.8
MINE, BARE, USUAL = COPIES
NAME, TITLE = "archive", "Archive"
HOW = """\
A 1 GiB mp4 from a local server into moto, three times each in turn, every process started afresh; host and moto in
processes of their own. Reelay's copy is the product's own path: guarded download, type and boxes looked at, SHA-256,
multipart upload. boto3's is `upload_fileobj` of the same link and nothing else: with parts of the same size one at a
time, where Reelay sends two, and as it comes, with ten threads and three times the memory. Memory: the peak over what
the process had before the copy."""


def measure(*, quick: bool) -> Row:
    """Copy in turns."""
    mib = QUICK_MIB if quick else VIDEO_MIB
    results: dict[str, list[dict[str, float]]] = {name: [] for name in COPIES}
    for _ in range(QUICK_ROUNDS if quick else ROUNDS):
        for name, copies in results.items():
            copies.append(run(name, mib))

    def figure(name: str, what: str) -> float:
        return median(copy[what] for copy in results[name])

    seconds = {name: figure(name, "seconds") for name in COPIES}
    marks: list[Mark] = [
        at_least("speed, of boto3's one part at a time", seconds[BARE] / seconds[MINE], OF_BOTO3, "times"),
        at_least("speed, of boto3's as it comes", seconds[USUAL] / seconds[MINE], OF_BOTO3, "times"),
        below("memory", figure(MINE, "mib"), MEMORY_MIB, "MiB more", 1),
    ]
    for name in COPIES:
        marks += [
            told(f"{name}: speed", mib * 1.048576 / seconds[name], "MB/s", 0),
            told(f"{name}: CPU time", figure(name, "cpu"), "s", 2),
            told(f"{name}: memory", figure(name, "mib"), "MiB more", 1),
        ]
    return Row(NAME, TITLE, HOW, marks)
