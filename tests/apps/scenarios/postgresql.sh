# what: initdb, start, pgbench -i and -T 10 with 4 clients, dump, crash and recovery, stop, as an unprivileged user
# needs: initdb postgres pgbench psql pg_dump setpriv
# timeout: 180
# version: postgres --version
. "$APPS/lib.sh"

need_unprivileged
mkdir pg
((EUID != 0)) || chown nobody:nogroup pg
export PGHOST=$PWD/pg PGUSER=tester PGDATABASE=postgres
cd pg

# k23 inside of the change of user here, and outside of it below
"${unprivileged[@]}" $K23 initdb -D data -U tester -A trust -N --no-locale -E UTF8 >/dev/null
options=(-D data -k "$PWD" -c listen_addresses= -c fsync=off -c max_connections=20)

start_postgres() {
	start ../postgres.log $K23 "${unprivileged[@]}" postgres "${options[@]}"
	wait_for 60 "answer of postgres" "${unprivileged[@]}" psql -c 'SELECT 1'
}

start_postgres
postmaster=$started
$K23 "${unprivileged[@]}" pgbench -q -i -s 2 2>/dev/null
$K23 "${unprivileged[@]}" pgbench -T 10 -c 4 -j 2 >../pgbench.out 2>&1 || { cat ../pgbench.out; fail pgbench; }
grep 'failed transactions' ../pgbench.out
figure "pgbench tps" "$(sed -n 's/^tps = \([0-9]*\).*/\1/p' ../pgbench.out)"
# what TPC-B promises: all three sums are equal after any number of transactions
$K23 "${unprivileged[@]}" psql -Atq <<'END'
SELECT count(*) FROM pgbench_accounts;
SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(bbalance) FROM pgbench_branches),
       (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history);
CREATE TABLE t AS SELECT n, n % 10 AS k, md5(n::text) AS h FROM generate_series(1, 50000) n;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SELECT k, count(*), max(h) FROM t GROUP BY k ORDER BY k;
SET statement_timeout = 100; SELECT pg_sleep(10); RESET statement_timeout;
COPY t TO PROGRAM 'sha256sum';
END
$K23 "${unprivileged[@]}" pg_dump -t t | grep -v '^--' | grep -v '^.\(un\)\?restrict' | sha256sum

# a crashed backend: the postmaster must notice, restart all others and recover
victim=$("${unprivileged[@]}" psql -Atqc "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
kill -KILL "$victim"
recovered() {
	[[ $(grep -c 'ready to accept connections' ../postgres.log) = 2 ]]
}
wait_for 30 "recovery" recovered
"${unprivileged[@]}" psql -Atqc 'SELECT count(*) FROM t'
stop "$postmaster" INT
grep -oE '^[0-9a-f]{64}' ../postgres.log
grep -c 'automatic recovery in progress\|was terminated by signal 9' ../postgres.log
grep -c 'database system is shut down' ../postgres.log
