#!/bin/sh
# What is installed is the same, byte for byte, in whichever folder it is built, and says nothing of where that was. The
# second build is that of a source package: another folder has the sources, and there is no git.
# usage: reproducible.sh SOURCE BUILD OPTIONS FILES..., with the options of the build, and files in its folder
set -eu
source=$1 build=$2 options=$3
shift 3
again=$(mktemp -d)
trap 'rm -rf "$again"' EXIT

# What a source package has; in one, all but what was built.
sources() {
	if [ -e "$source/.git" ]; then
		git -c safe.directory='*' -C "$source" ls-files -z --cached --others --exclude-standard |
			tar -C "$source" --null --files-from=- --ignore-failed-read -cf - 2>/dev/null
	else
		tar -C "$source" --exclude='./build*' -cf - .
	fi
}
mkdir -p "$again/sources" "$again/bin"
sources | tar -C "$again/sources" -xf -
printf '#!/bin/sh\necho "there is no git here" >&2\nexit 1\n' >"$again/bin/git"
chmod +x "$again/bin/git"
PATH=$again/bin:$PATH

# shellcheck disable=SC2086
meson setup $options "$again/a/deeper/folder" "$again/sources" >"$again/log" || { cat "$again/log"; exit 99; }
ninja -C "$again/a/deeper/folder" "$@" >"$again/log" || { cat "$again/log"; exit 99; }
status=0
for file; do
	cmp "$build/$file" "$again/a/deeper/folder/$file" || status=1
	! grep -q -e "$source" -e "$again" "$build/$file" "$again/a/deeper/folder/$file" ||
		{ echo "$file names a folder"; status=1; }
done
exit $status
