#!/bin/sh
# Starts a test as no test may depend on: with signals ignored and blocked, as by nohup and by careless daemons, with
# core dumps, few descriptors and another umask, without the environment, and as a user who owns nothing but the
# directory for temporary files.
# usage: elsewhere.sh TEST ARGUMENTS...
folder=$(mktemp -d) || exit 99
trap 'rm -rf "$folder"' EXIT
ulimit -S -c "$(ulimit -H -c)"
ulimit -S -n 64
ulimit -S -s 512
umask 077
# Others may not be able to reach the build, or that directory.
become="setpriv --reuid=65534 --regid=65534 --clear-groups"
[ "$(id -u)" = 0 ] && $become test -x "$1" && chown 65534:65534 "$folder" && $become test -w "$folder" || become=
# shellcheck disable=SC2086
env --ignore-signal=HUP,INT,CHLD,USR1 --block-signal=TERM,ALRM,USR2,CHLD --ignore-environment PATH="$PATH" \
	LC_ALL=C.UTF-8 HOME=/nonexistent TMPDIR="$folder" TZ=Asia/Tokyo $become "$@"
