# what: four threads, 8 clients that set, get, increment and delete over TCP and over a Unix socket
# needs: memcached python3
# quick: yes
# timeout: 60
# version: memcached -V
. "$APPS/lib.sh"

user=()
((EUID != 0)) || user=(-u nobody)
port=$(free_port)
start memcached.log $K23 memcached "${user[@]}" -l 127.0.0.1 -p "$port" -U 0 -t 4 -m 32
wait_for 20 "memcached on TCP" listening "$port"
$K23 python3 "$APPS/programs/memcache_client.py" "127.0.0.1:$port"
stop "$started" TERM

chmod 777 .
start memcached.log $K23 memcached "${user[@]}" -s "$PWD/socket" -a 777 -t 2 -m 32
wait_for 20 "memcached on its socket" test -S socket
$K23 python3 "$APPS/programs/memcache_client.py" "$PWD/socket"
stop "$started" INT
cat memcached.log
