#!/bin/sh
# `make setup` where there is no Python yet, which all other tools are made of:
# installs it, or says what somebody else has to install.
cd "$(dirname "$0")/.." || exit
if ! command -v apt-get >/dev/null; then
	echo 'error: make setup installs Debian packages, and this system has no' \
		'apt-get: see "In a container" in README.md' >&2
	exit 1
fi
if [ "$(id -u)" = 0 ]; then
	root=
elif sudo true; then
	root=sudo
else
	echo 'error: packages are missing, and you may not install any. Ask who' \
		'administers this computer for:' >&2
	echo "  apt-get update && apt-get install --no-install-recommends" \
		$(sed 's/#.*//; s/^[a-z]*: *//; s/|[^ ]*//g' packages.txt) >&2
	exit 1
fi
$root apt-get update
$root env DEBIAN_FRONTEND=noninteractive apt-get -y --no-install-recommends \
	install python3
