# what: server with AOF and RDB, redis-benchmark on loopback and on a Unix socket, background save, restart with its data
# needs: redis-server redis-benchmark redis-cli
# timeout: 120
# version: redis-server --version
. "$APPS/lib.sh"

port=$(free_port)
options=(--port "$port" --bind 127.0.0.1 --unixsocket "$PWD/socket" --dir "$PWD" --appendonly yes --save "")
cli=(redis-cli -s "$PWD/socket")

start_redis() {
	start redis.log $K23 redis-server "${options[@]}"
	wait_for 30 "answer of redis" sh -c "${cli[*]} ping | grep PONG"
}

start_redis
benchmark() {
	$K23 redis-benchmark "$@" -q --csv -n 20000 -c 20 -t set,get,incr,lpush,mset >result
	cut -d, -f1 result
	grep -q '"GET"' result || fail "no result: $(cat result)"
}
benchmark -h 127.0.0.1 -p "$port"
figure "GET/s over TCP" "$(sed -n 's/^"GET","\([0-9]*\).*/\1/p' result)"
benchmark -s "$PWD/socket" -P 16
figure "GET/s pipelined, Unix socket" "$(sed -n 's/^"GET","\([0-9]*\).*/\1/p' result)"
"${cli[@]}" flushall
$K23 "${cli[@]}" eval 'for i = 1, 1000 do redis.call("hset", "h", i, i * i) end return redis.call("hlen", "h")' 0
"${cli[@]}" bgsave
wait_for 30 "end of bgsave" sh -c "${cli[*]} info persistence | grep rdb_bgsave_in_progress:0"
"${cli[@]}" bgrewriteaof
wait_for 30 "end of bgrewriteaof" sh -c "${cli[*]} info persistence | grep aof_rewrite_in_progress:0"
"${cli[@]}" info persistence | grep -E 'last_(bgsave|bgrewrite)_status'
"${cli[@]}" set key value
stop "$started" TERM
start_redis
"${cli[@]}" get key
"${cli[@]}" hget h 30
stop "$started" TERM
