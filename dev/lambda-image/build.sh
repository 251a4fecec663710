#!/usr/bin/env bash
# build.sh TAG: an image that `sam local` can use in place of AWS's own, which lie in a registry. Python and what it
# needs are this machine's distribution's packages, unpacked and not installed; awslambdaric comes from PyPI as
# requirements/run.txt has it. Needs apt-get, dpkg-deb and a container engine; seconds, once apt has its lists.
set -euo pipefail
cd "$(dirname "$0")/../.."
tag=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$work/archives/partial" "$root"/{opt,proc,tmp,usr/{bin,sbin,lib,lib64},var/{runtime,task}}
chmod 1777 "$root/tmp"
for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$root/$folder"; done # newer packages take them for granted

# For apt nothing is installed in there yet, so that it fetches all that is needed.
: > "$work/status"
fetch() {
  apt-get install -qq -y --download-only --no-install-recommends -o Debug::NoLocking=1 -o APT::Sandbox::User=root \
    -o Dir::State::status="$work/status" -o Dir::Cache::archives="$work/archives" $(< dev/lambda-image/packages) >&2
}
if ! fetch; then # a small machine has no lists yet
  apt-get update -qq >&2
  fetch
fi
for package in "$work"/archives/*.deb; do
  dpkg-deb --fsys-tarfile "$package" | tar -C "$root" -x --keep-directory-symlink
done
ln -sf dash "$root/usr/bin/sh"

version=$(basename "$(readlink "$root/usr/bin/python3")")
awk '/^[a-z]/ { wanted = /^(awslambdaric|simplejson|snapshot-restore-py)==/ } wanted' requirements/run.txt > "$work/runtime.txt"
"$(bash dev/python.sh)" -m pip install -qq --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
  --python-version "${version#python}" --target "$root/var/runtime" --requirement "$work/runtime.txt"
install -m 755 dev/lambda-image/bootstrap "$root/var/runtime/bootstrap"

tar -C "$root" -c . | docker import --change 'WORKDIR /var/task' --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin' \
  --change 'ENV LANG=C.UTF-8' --change 'ENV TZ=:UTC' --change 'ENV LAMBDA_TASK_ROOT=/var/task' \
  --change 'ENV LAMBDA_RUNTIME_DIR=/var/runtime' - "$tag" >&2
