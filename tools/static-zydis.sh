#!/bin/sh
# Makes FOLDER/libZydis.a, which Debian's libzydis-dev has not, from Zydis's source in SOURCE; from Debian's source package
# if none is given. Needs nothing of Zycore but its headers. usage: static-zydis.sh FOLDER [SOURCE]
set -eu
folder=$(realpath -m "$1") source=${2:-}
[ ! -f "$folder/libZydis.a" ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "$source" ]; then
	"$(dirname "$0")/zydis-source.sh" "$work/fetched"
	source=$(echo "$work"/fetched/zydis-*/)
fi
source=$(realpath "$source")

mkdir -p "$folder" "$work/objects"
cd "$work/objects"
# shellcheck disable=SC2086
${CC:-cc} -c -O2 -g ${CFLAGS:-} "-ffile-prefix-map=$source=zydis" "-ffile-prefix-map=$work=." -ffunction-sections \
	-fdata-sections -DZYDIS_STATIC_BUILD -DZYCORE_STATIC_BUILD "-I$source/include" "-I$source/src" "$source"/src/*.c
ar rcsD "$folder/libZydis.a" ./*.o
