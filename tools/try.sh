#!/bin/sh
# A first look: what k23 can do here, then its tools and hooks on real programs. usage: try.sh K23
set -eu
k23=$(realpath "$1")
work=$(mktemp -d)
export LC_ALL=C K23_STORE="$work/store"
trap 'rm -rf "$work"' EXIT
mkdir "$work/here"
cd "$work/here"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

say '$ k23 doctor          # what this machine offers'
"$k23" doctor

say '$ k23 stat -- sh -c "..."     # every system call of a pipeline and its children, counted'
"$k23" stat -o counts.txt -- sh -c 'ls -lR /usr/include | sort | uniq -c | wc -l'
head -n 8 counts.txt
grep -m 1 ' total$' counts.txt

say '$ k23 trace -e openat,execve,write -- sh -c "..."     # a line for each'
"$k23" trace -e openat,execve,write -- sh -c 'echo hello > greeting; cat greeting' 2>trace.txt
tail -n 10 trace.txt

say '$ k23 run --hook readonly:root=$PWD -- sh -c "..."     # a hook: no writes outside this directory'
"$k23" run --hook readonly:root="$PWD" -- sh -c 'echo inside > file && cat file; touch ../outside' || true

say '$ k23 run --hook twice -- sh -c "..."     # a hook: the clock runs twice as fast'
"$k23" run --hook twice -- python3 -c 'import time
a = time.monotonic(); time.sleep(1); print("one second lasts %.1f s" % (time.monotonic() - a))'
