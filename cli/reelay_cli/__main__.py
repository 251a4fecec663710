"""`python -m reelay_cli`."""

from reelay_cli.main import main

main()
