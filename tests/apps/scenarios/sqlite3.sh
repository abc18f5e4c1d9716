# what: 20,000 rows, indexes, WAL with four writers at once, backup, vacuum, integrity check
# needs: sqlite3
# quick: yes
# timeout: 90
# version: sqlite3 --version
. "$APPS/lib.sh"

$K23 sqlite3 out/main.db <<'END'
CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
	INSERT INTO t SELECT i, i * 7919 % 10007, printf('%032d', i * i) FROM n;
COMMIT;
CREATE INDEX ta ON t(a);
SELECT count(*), sum(a), max(b) FROM t WHERE a BETWEEN 100 AND 5000;
UPDATE t SET b = upper(b) || 'x' WHERE a % 3 = 0;
DELETE FROM t WHERE a % 5 = 0;
VACUUM;
PRAGMA integrity_check;
END
$K23 sqlite3 out/main.db .dump | sha256sum
$K23 sqlite3 out/main.db '.backup copy.db'
$K23 sqlite3 copy.db .dump | sha256sum

$K23 sqlite3 wal.db 'PRAGMA journal_mode = WAL; CREATE TABLE log(writer, n)'
writers=()
for writer in 1 2 3 4; do
	{
		echo '.timeout 30000'
		for n in {1..50}; do echo "INSERT INTO log VALUES ($writer, $n);"; done
	} | $K23 sqlite3 wal.db &
	writers+=($!)
done
for pid in "${writers[@]}"; do wait "$pid" || fail "a writer ended with $?"; done
$K23 sqlite3 wal.db 'SELECT writer, count(*), sum(n) FROM log GROUP BY writer; PRAGMA integrity_check'
$K23 sqlite3 -bail wal.db 'SELECT nothing' 2>&1 || echo "status $?"
