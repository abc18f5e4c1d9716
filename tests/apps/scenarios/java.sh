# what: javac and a multi-threaded program: thread pools, synchronised counters, NIO, child processes, garbage, JIT
# needs: java javac
# timeout: 180
# version: java -version
. "$APPS/lib.sh"

$K23 javac -d classes "$APPS/programs/Everyday.java"
for collector in SerialGC G1GC; do
	$K23 java -XX:+Use$collector -Xmx256m -cp classes Everyday
done
$K23 java -Xint -cp classes Everyday quick
$K23 java -cp classes Everyday fail 2>&1 || echo "status $?"
{ $K23 java -cp classes Everyday wait & } >waiting
java=$!
wait_for 60 "start of java" grep -q ready waiting
kill -QUIT "$java"
wait_for 20 "thread dump" grep -q 'Full thread dump' waiting
check_guard "$java"
kill -TERM "$java"
wait "$java" || echo "status $?"
grep -c '"main"' waiting
grep hook waiting
cp -r classes out/
