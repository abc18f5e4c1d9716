#!/bin/sh
# Installs those of the given Debian packages that are missing. What apt says is shown if that fails.
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
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086
{
	$SUDO apt-get update -q &&
		DEBIAN_FRONTEND=noninteractive $SUDO apt-get install -y -q --no-install-recommends $missing
} >"$log" 2>&1 || { cat "$log"; exit 1; }
