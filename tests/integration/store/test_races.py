"""Of many who write one record at the same moment, one wins."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from reelay.errors import Conflict, NotFound
from reelay.model import Record
from reelay.store import S3Store
from tests.fakes import TENANT, new_record
from tests.integration.store.place import REAL_S3, Place


@pytest.mark.parametrize("place", REAL_S3, indirect=True)
class TestRaces:
    """Sixteen doors at once, threads switched so often that a gap between a check and its write shows."""

    RACERS = 16
    SWITCH_SECONDS = 1e-6

    @pytest.fixture(autouse=True)
    def switch_often(self) -> Iterator[None]:
        usual = sys.getswitchinterval()
        sys.setswitchinterval(self.SWITCH_SECONDS)
        yield
        sys.setswitchinterval(usual)

    def race(self, place: Place, write: Callable[[S3Store, int], Record]) -> list[Record]:
        """Those that won; each racer has a store of its own, and the rest must have met a Conflict."""
        start = threading.Barrier(self.RACERS)

        def run(number: int) -> Record | None:
            store = place.store()
            start.wait()
            try:
                return write(store, number)
            except Conflict:
                return None

        with ThreadPoolExecutor(self.RACERS) as pool:
            return [record for record in pool.map(run, range(self.RACERS)) if record]

    def test_one_of_many_creators_wins(self, place: Place) -> None:
        record = new_record()
        (winner,) = self.race(place, lambda store, number: store.create(replace(record, model=f"m{number}")))
        assert place.store().load(TENANT, record.id) == winner

    def test_one_of_many_savers_of_a_revision_wins(self, place: Place) -> None:
        created = place.store().create(new_record())
        (winner,) = self.race(place, lambda store, number: store.save(replace(created, progress=number)))
        assert place.store().load(TENANT, created.id) == winner
        assert winner.rev == 2

    def test_no_saver_brings_back_what_is_deleted_meanwhile(self, place: Place) -> None:
        created = place.store().create(new_record())

        def write(store: S3Store, number: int) -> Record:
            if number == 0:
                store.delete(created)
                return created
            try:
                return store.save(replace(created, progress=number))
            except NotFound:
                return created

        self.race(place, write)
        assert place.listing() == []
