#!/usr/bin/env bash
# Print the interpreter to build environments with: a python3.13 (the Lambda runtime's minor version) from PATH or
# pyenv where one runs, else python3 when it is 3.11 or newer. A pyenv shim for an inactive version exists but fails,
# so each candidate is run before it is believed.
set -u
for candidate in python3.13 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13*/bin/python3.13 python3; do
  if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    command -v "$candidate"
    exit 0
  fi
done
echo "Reelay needs Python 3.11 or newer; none was found on PATH." >&2
exit 1
