# what: keys, certificates, signatures, encryption; s_server with s_client on loopback and on a Unix socket
# needs: openssl
# quick: yes
# timeout: 60
# version: openssl version
. "$APPS/lib.sh"

$K23 openssl genrsa -out key.pem 2048 2>/dev/null
$K23 openssl rsa -in key.pem -check -noout 2>&1
$K23 openssl ecparam -name prime256v1 -genkey -noout -out ec.pem
$K23 openssl req -x509 -new -key key.pem -subj /CN=localhost -days 30 -out cert.pem
$K23 openssl x509 -in cert.pem -noout -subject -issuer
$K23 openssl verify -CAfile cert.pem cert.pem
head -c 1000000 /dev/zero >data
for key in key ec; do
	$K23 openssl dgst -sha256 -sign "$key.pem" -out signature data
	$K23 openssl pkey -in "$key.pem" -pubout -out public.pem
	$K23 openssl dgst -sha256 -verify public.pem -signature signature data
	echo x | $K23 openssl dgst -sha256 -verify public.pem -signature signature 2>/dev/null || echo "status $?"
done
$K23 openssl enc -aes-256-ctr -K 00 -iv 00 -in data -out out/encrypted 2>/dev/null
$K23 openssl enc -d -aes-256-ctr -K 00 -iv 00 -in out/encrypted -out plain 2>/dev/null
cmp data plain
$K23 openssl enc -aes-128-cbc -pbkdf2 -pass pass:word -in data | $K23 openssl enc -d -aes-128-cbc -pbkdf2 -pass pass:word | sha256sum
$K23 openssl rand -hex 16 | tr 0-9a-f x

# port 0: the server says which one the kernel chose
start server.log $K23 openssl s_server -key key.pem -cert cert.pem -accept 127.0.0.1:0 -rev
wait_for 20 "port of s_server" grep -q '^ACCEPT .*:[1-9]' server.log
address=$(sed -n 's/^ACCEPT //p' server.log)
for version in -tls1_2 -tls1_3; do
	# the server answers CLOSE by closing
	printf 'reverse this\nCLOSE\n' |
		$K23 openssl s_client -connect "$address" $version -CAfile cert.pem -verify_return_error -quiet 2>/dev/null
done
stop "$started" TERM

start server.log $K23 openssl s_server -key ec.pem -cert <(openssl req -x509 -new -key ec.pem -subj /CN=unix) -unix socket -www
wait_for 20 "socket of s_server" test -S socket
printf 'GET / HTTP/1.0\r\n\r\n' | $K23 openssl s_client -unix socket -quiet -ign_eof 2>/dev/null | grep -aE '^HTTP|Protocol'
stop "$started" TERM
