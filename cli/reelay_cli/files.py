"""Files that come in: under another name until they are whole, and never over one that is there unless told to."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from reelay_cli.failures import Exit, Failure


@dataclass(frozen=True, slots=True)
class Target:
    """Where a file is to lie. `force` lets it take the place of another."""

    path: Path
    force: bool

    def check(self) -> None:
        """Raises Failure for what is bound to fail: asked before anything is paid for."""
        folder = self.path.parent
        if not folder.is_dir():
            raise Failure(f"There is no folder {folder}.", Exit.FILE, next="Make it, or choose another place with -o.")
        if self.path.exists() and not self.path.is_file():
            raise Failure(f"{self.path} is no file.", Exit.FILE, next="Choose another place with -o.")
        if self.path.exists() and not self.force:
            raise self._there()
        if not os.access(folder, os.W_OK):
            raise Failure(f"Nothing may be written to {folder}.", Exit.FILE, next="Choose another place with -o.")

    def write(self, pieces: Iterable[bytes]) -> None:
        """The pieces as the file, which is there whole or not at all. Raises Failure, and whatever `pieces` raises."""
        try:
            # A folder, for what is made in it has the rights that a new file has, and it goes whatever happens.
            with tempfile.TemporaryDirectory(prefix=".reelay-", dir=self.path.parent) as folder:
                part = Path(folder, "part")
                with part.open("wb") as file:
                    file.writelines(pieces)
                self._into_place(part)
        except OSError as error:
            words = f"{self.path} cannot be written: {os.strerror(error.errno or 0)}."
            raise Failure(words, Exit.FILE, next="Choose another place with -o.") from None

    def _into_place(self, part: Path) -> None:
        if self.force:
            part.replace(self.path)
            return
        try:
            os.link(part, self.path)  # unlike a rename, this takes nobody's place
        except FileExistsError:
            raise self._there() from None
        except OSError:  # a file system without links
            self.check()
            part.rename(self.path)

    def _there(self) -> Failure:
        words = f"{self.path} is there already."
        return Failure(words, Exit.FILE, next="Choose another name with -o, or replace it with --force.")
