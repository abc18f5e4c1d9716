#!/bin/sh
# Builds Debian's packages of what git has here, twice and in different folders: lintian has nothing against them, the two
# are the same byte for byte, and their tests (debian/tests) pass in a system of their own. They are left in FOLDER.
# usage: package.sh SOURCE FOLDER
set -eu
source=$(realpath "$1")
mkdir -p "$2"
folder=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(dpkg-parsechangelog -l "$source/debian/changelog" -S Version)
upstream=${version%-*}

# The source package: what git has, and Zydis's source.
sources="$work/one/k23-$upstream"
mkdir -p "$sources" "$work/another/deeper"
git -c safe.directory='*' -C "$source" ls-files -z | grep -zv '^debian/' |
	tar -C "$source" --null --files-from=- --sort=name --owner=0 --group=0 --mtime='2026-01-01 UTC' \
		--transform="s,^,k23-$upstream/," -cJf "$work/one/k23_$upstream.orig.tar.xz"
"$source/tools/zydis-source.sh" "$work/zydis"
cp "$work"/zydis/zydis_*.orig.tar.gz "$work/one/k23_$upstream.orig-zydis.tar.gz"
tar -C "$work/one" -xf "$work/one/k23_$upstream.orig.tar.xz"
mkdir "$sources/zydis"
tar -C "$sources/zydis" --strip-components=1 -xf "$work/one/k23_$upstream.orig-zydis.tar.gz"
cp -r "$source/debian" "$sources"

# build FOLDER OPTIONS...: dpkg-buildpackage there.
build() {
	cd "$1"
	shift
	dpkg-buildpackage -us -uc "$@" >"$work/log" 2>&1 || { tail -50 "$work/log"; exit 1; }
}
build "$sources"
echo "built k23 $version"
lintian --allow-root --fail-on error,warning,info "$work/one/k23_${version}_amd64.changes"
echo "lintian has nothing against it"

cd "$work/another/deeper"
dpkg-source -x "$work/one/k23_$version.dsc" elsewhere >/dev/null
build "$work/another/deeper/elsewhere" -b
for package in "$work"/one/*.deb; do
	cmp "$package" "$work/another/deeper/$(basename "$package")"
done
echo "another build is the same"

find "$work/one" -maxdepth 1 -type f -exec cp -t "$folder" {} +
mmdebstrap --variant=apt --include=apt-utils,dpkg-dev --skip=cleanup/apt/lists bookworm "$work/system" \
	>"$work/log" 2>&1 || { tail "$work/log"; exit 1; }
# The mounts are gone with this process, before the folder is. crun wants its root to be a mount.
unshare --mount sh -c 'mount --bind "$0" "$0" && mount -t proc proc "$0/proc" && mount -t sysfs sys "$0/sys" &&
	exec autopkgtest --quiet "$@"' \
	"$work/system" "$folder"/*.deb "$work/one/k23_$version.dsc" -- chroot "$work/system"
echo "the tests of the packages pass"
