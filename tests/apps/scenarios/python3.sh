# what: threads, multiprocessing (fork, spawn, forkserver), subprocess, asyncio, signals, shared memory, compileall
# needs: python3
# quick: yes
# timeout: 120
# version: python3 --version
. "$APPS/lib.sh"

$K23 python3 -B "$APPS/programs/everyday.py"
cp -r /usr/lib/python3*/json package
rm -rf package/__pycache__
$K23 python3 -m compileall -q -j 2 --invalidation-mode unchecked-hash package
cp -r package out/
echo 'import sys; print(sys.stdin.read().upper(), sys.argv, sys.flags.isolated); sys.exit(9)' >script.py
echo text | $K23 python3 -I script.py a 'b c' || echo "status $?"
# in a group, since bash's own message has the pid in it
{ $K23 python3 -c 'import os; os.abort()'; } 2>/dev/null || echo "status $?"
