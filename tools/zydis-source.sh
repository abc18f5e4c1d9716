#!/bin/sh
# Fetches Debian's source package of the Zydis that is installed into FOLDER: as it is unpacked, and its archives. apt
# fetches and checks it, from where packages come from. usage: zydis-source.sh FOLDER
set -eu
mkdir -p "$1"
folder=$(realpath "$1")
version=$(dpkg-query -W -f '${source:Version}' libzydis-dev)
apt=$(mktemp -d)
trap 'rm -rf "$apt"' EXIT

# Lists of sources that only this call of apt knows.
mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial"
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
	[ ! -f "$list" ] || sed -n 's/^deb /deb-src /p' "$list" >>"$apt/parts/src.list"
done
for list in /etc/apt/sources.list.d/*.sources; do
	[ ! -f "$list" ] || { sed 's/^Types:.*/Types: deb-src/' "$list" && echo; } >>"$apt/parts/src.sources"
done
apt() {
	apt-get -q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$apt/parts" \
		-o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User= "$@"
}
cd "$folder"
{ apt update && apt source "zydis=$version"; } >"$apt/log" 2>&1 || {
	cat "$apt/log"
	echo "apt cannot fetch the source package zydis $version, of which k23-static's libZydis.a is made" >&2
	exit 1
}
