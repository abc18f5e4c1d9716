#!/bin/sh
# Starts a test as no test may depend on: with signals ignored and blocked, as by nohup and by careless daemons, with
# core dumps, few descriptors and another umask, without the environment, and as a user who owns nothing.
# usage: elsewhere.sh TEST ARGUMENTS...
ulimit -S -c "$(ulimit -H -c)"
ulimit -S -n 64
ulimit -S -s 512
umask 077
# Others may not be able to reach the build.
become="setpriv --reuid=65534 --regid=65534 --clear-groups"
[ "$(id -u)" = 0 ] && $become test -x "$1" || become=
# shellcheck disable=SC2086
exec env --ignore-signal=HUP,INT,CHLD,USR1 --block-signal=TERM,ALRM,USR2,CHLD --ignore-environment PATH="$PATH" \
	LC_ALL=C.UTF-8 HOME=/nonexistent TMPDIR=/nonexistent TZ=Asia/Tokyo $become "$@"
