#!/usr/bin/env bash
# compile.sh DIRECTORY MOUNT: compile what `sam build` made in DIRECTORY and Lambda will mount at MOUNT. Only the
# runtime's own minor version may do it, others' bytecode would be ignored; without one the sources go alone, and cold
# starts take about twice as long. unchecked-hash: bytecode stays good whatever times a zip gives the files.
set -eu
python=$(bash "$(dirname "$0")/python.sh")
if "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))'; then
  "$python" -m compileall -q -f -j 0 -s "$1" -p "$2" --invalidation-mode unchecked-hash "$1"
else
  echo "No python3.13 here to compile with: sources are shipped without bytecode." >&2
fi
