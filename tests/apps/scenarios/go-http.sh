# what: go build of an HTTP server without cgo, go vet; a Go client with 50 connections, curl, graceful stop
# needs: go curl
# timeout: 180
# version: go version
. "$APPS/lib.sh"

export GOPROXY=off GOFLAGS=-trimpath GOTOOLCHAIN=local CGO_ENABLED=0 GOCACHE=$PWD/cache
mkdir server
cp "$APPS/programs/go/main.go" server/
cat >server/go.mod <<'END'
module example.org/server

go 1.19
END
cd server
$K23 go build -o ../out/server .
$K23 go vet .
cd ..
start address $K23 ./out/server serve
wait_for 20 "address of the server" grep -q : address
url=http://$(head -n 1 address)
before=$(now)
$K23 ./out/server fetch "$url" 5000
figure "requests/s" $((5000 * 1000 / ($(now) - before + 1)))
$K23 curl -s "$url/hash?text=hello"
$K23 curl -s "$url/exec?text=through+a+child"
head -c 3000000 /dev/zero | $K23 curl -s -T - "$url/size"
stop "$started" TERM
tail -n +2 address
$K23 ./out/server compute
