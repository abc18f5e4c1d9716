# what: master and two workers, files by sendfile, a proxy on a Unix socket, wrk for 3 s, reload, graceful stop
# needs: nginx wrk curl
# timeout: 90
# version: nginx -v
. "$APPS/lib.sh"

port=$(free_port)
mkdir html logs
for n in 1 2 3; do head -c "${n}00000" /dev/zero | tr '\0' "$n" >html/file$n; done
echo "<h1>hello</h1>" >html/index.html
chmod 755 .
cat >nginx.conf <<END
pid nginx.pid;
error_log logs/error.log notice;
worker_processes 2;
daemon off;
events { worker_connections 256; }
http {
	access_log logs/access.log;
	client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
	sendfile on;
	gzip on;
	gzip_min_length 1;
	server {
		listen 127.0.0.1:$port;
		root html;
		location /proxy/ { proxy_pass http://unix:$PWD/backend:/; }
		location /text { return 200 "from the configuration\n"; }
	}
	server {
		listen unix:$PWD/backend;
		root html;
	}
}
END
url=http://127.0.0.1:$port
start nginx.log $K23 nginx -p "$PWD" -e logs/error.log -c nginx.conf
wait_for 20 "answer of nginx" curl -sf "$url/"
$K23 curl -s "$url/"
for file in file1 file2 file3 proxy/file3; do $K23 curl -s "$url/$file" | sha256sum; done
$K23 curl -s --compressed "$url/file1" | sha256sum
$K23 curl -s -r 10-19 "$url/file2"
echo
$K23 curl -s -o /dev/null -w '%{http_code}\n' "$url/none"
$K23 curl -s "$url/text"
$K23 wrk -t 2 -c 20 -d 3s "$url/index.html" >wrk.out
! grep -E 'Socket errors|Non-2xx' wrk.out || fail "wrk had errors"
figure "requests/s" "$(sed -n 's/^Requests.sec: *\([0-9]*\).*/\1/p' wrk.out)"
grep -c '^Running' wrk.out

# new workers with a new configuration, the old ones end by themselves
sed -i 's/from the configuration/reloaded/' nginx.conf
kill -HUP "$started"
reloaded() {
	curl -s "$url/text" | grep -q reloaded
}
wait_for 20 "reload" reloaded
grep -cE '\[(alert|crit|emerg|error)\]' logs/error.log
stop "$started" QUIT
grep -ohE '(open\(\)|exited on signal).*' logs/error.log | sed 's/, client.*//' | sort | uniq -c
