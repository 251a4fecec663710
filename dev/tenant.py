"""`make tenant`: which tenant a key is, for the parameter EventsTenant. The key is asked for and shown nowhere."""

from __future__ import annotations

import getpass
import sys

from reelay.bearer import bearer_token
from reelay.errors import Unauthorized
from reelay.identity import tenant_of


def main() -> None:
    """Read one key, from the terminal without an echo or from standard input, and print its tenant."""
    key = (getpass.getpass("Key: ") if sys.stdin.isatty() else sys.stdin.readline()).strip()
    try:
        print(tenant_of(bearer_token(f"Bearer {key}", optional=False)))
    except Unauthorized:
        sys.exit("That is no key: expected letters, digits and -._~+/ and nothing else.")


if __name__ == "__main__":
    main()
