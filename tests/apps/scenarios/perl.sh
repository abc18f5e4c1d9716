# what: fork, pipes, alarms, sockets, System V IPC, ithreads, sorting and regular expressions
# needs: perl
# quick: yes
# timeout: 60
# version: perl --version
. "$APPS/lib.sh"

$K23 perl -w "$APPS/programs/everyday.pl"
seq 1000 | $K23 perl -ne '$s += $_; END { print "$s\n" }'
cp "$APPS/lib.sh" out/edited
$K23 perl -pi -e 's/wait/WAIT/g' out/edited
$K23 perl -e 'die "message\n"' 2>&1 || echo "status $?"
