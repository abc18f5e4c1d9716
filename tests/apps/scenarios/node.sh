# what: JIT, worker threads with shared memory, child processes, streams, zlib, crypto pool, HTTP on a Unix socket
# needs: node
# quick: yes
# timeout: 90
# version: node --version
. "$APPS/lib.sh"

$K23 node "$APPS/programs/everyday.js"
$K23 node -e 'process.exitCode = 4; console.error("to stderr")' 2>&1 || echo "status $?"
{ $K23 node -e 'process.kill(process.pid, "SIGTERM"); setTimeout(() => {}, 10000)'; } 2>/dev/null || echo "status $?"
