#!/bin/sh
# Installs those of the given Debian packages that are missing.
set -eu
missing=
for package; do
	case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true) in
	*"ok installed") ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0
echo "installing:$missing"
$SUDO apt-get update -q
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $SUDO apt-get install -y -q --no-install-recommends $missing
