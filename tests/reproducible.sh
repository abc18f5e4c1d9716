#!/bin/sh
# What is installed is the same, byte for byte, in whichever folder it is built, and says nothing of where that was.
# usage: reproducible.sh SOURCE BUILD OPTIONS FILES..., with the options of the build, and files in its folder
set -eu
source=$1 build=$2 options=$3
shift 3
again=$(mktemp -d)
trap 'rm -rf "$again"' EXIT
# shellcheck disable=SC2086
meson setup $options "$again/a/deeper/folder" "$source" >"$again/log" || { cat "$again/log"; exit 99; }
ninja -C "$again/a/deeper/folder" "$@" >"$again/log" || { cat "$again/log"; exit 99; }
status=0
for file; do
	cmp "$build/$file" "$again/a/deeper/folder/$file" || status=1
	! grep -q "$source" "$build/$file" || { echo "$file names $source"; status=1; }
done
exit $status
