# Helpers of the application scenarios; each begins with  . "$APPS/lib.sh"
#
# A scenario runs in a scratch directory ($SCRATCH, also the cwd), with $K23 empty or the command that is to be put
# before every program under test. What it prints and what it leaves in out/ must be the same in every run.

set -euo pipefail
ulimit -c 0

# Servers that run, by pid; cleanup takes those that a failing scenario did not stop.
servers=()
started= started_log=

cleanup() {
	local status=$? pid
	trap - EXIT
	for pid in "${servers[@]}"; do
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	exit "$status"
}
trap cleanup EXIT
trap 'exit 143' TERM INT

skip() {
	echo "$*"
	exit 77
}

fail() {
	echo "failed: $*"
	exit 1
}

# figure NAME VALUE: a measured figure, for the table of results; never compared
figure() {
	printf '%s\t%s\n' "$1" "$2" >>"$SCRATCH/figures"
}

# now: milliseconds, to compute a figure from
now() {
	echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

# wait_for SECONDS WHAT COMMAND...: poll until COMMAND succeeds, or until the server that was started last has gone
wait_for() {
	local end=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || fail "no $what"
		if [[ -n $started ]] && ended "$started"; then
			tail -n 20 "$started_log"
			fail "no $what: the server has ended"
		fi
		sleep 0.05
	done
}

# start LOG COMMAND...: run a server in the background, its pid is in $started. Since k23 becomes the program, this is
# the pid of the server itself.
start() {
	local log=$1
	shift
	"$@" >"$log" 2>&1 </dev/null &
	started=$! started_log=$log
	servers+=("$started")
}

# check_guard PID: each thread of this process and of its descendants is still under k23. Silent if so, and in native
# runs. Its stops can end a wait with EINTR, so call it last.
check_guard() {
	[[ $CHECK_GUARD != 1 ]] || python3 "$APPS/programs/guarded.py" "$1" || fail "not all of $1 is under k23"
}

# stop PID SIGNAL: stop a server that was started, check that it goes, and say how it ended
stop() {
	local pid=$1 signal=$2 status=0 other left=()
	started=
	check_guard "$pid"
	kill -"$signal" "$pid" || fail "server $pid had gone before it was stopped"
	wait_for 20 "end of server $pid after SIG$signal" ended "$pid"
	wait "$pid" || status=$?
	for other in "${servers[@]}"; do
		[[ $other = "$pid" ]] || left+=("$other")
	done
	servers=("${left[@]}")
	echo "server ended with status $status"
}

# ended PID: it is gone or waits to be reaped
ended() {
	[[ ! -e /proc/$1/stat ]] || grep -q '^State:[[:space:]]Z' "/proc/$1/status"
}

# listening PORT: somebody accepts connections on this port of loopback
listening() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1")
}

# free_port: a TCP port that nobody uses, for servers that cannot choose one themselves. Outside of the range from which
# the kernel gives ports to connections, so nobody takes it by chance between here and the server's bind.
free_port() {
	local low high port
	read -r low high </proc/sys/net/ipv4/ip_local_port_range
	for ((;;)); do
		port=$((10000 + SRANDOM % 20000))
		((port < low || port > high)) || continue
		listening "$port" 2>/dev/null || break
	done
	echo "$port"
}

# same_tree A B: two directories are equal
same_tree() {
	[[ $(digest "$1") = $(digest "$2") ]] || fail "$1 and $2 differ"
	echo "$1 and $2 are equal"
}

# digest DIRECTORY: names, types, modes, sizes, times, links and content of a tree as one hash
digest() {
	(
		cd "$1"
		find . -type d -printf '%M %p\n' -o -type l -printf '%M %p -> %l\n' -o -printf '%M %n %s %T@ %p\n' | LC_ALL=C sort
		find . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum
	) | sha256sum | cut -d' ' -f1
}

# source_tree DIRECTORY FILES: a tree that is the same every time, with the kinds of files that archivers get wrong
source_tree() {
	mkdir -p "$1"
	(
		cd "$1"
		perl -e '
			srand 23;
			for my $n (0 .. $ARGV[0] - 1) {
				my $dir = "d" . $n % 17 . "/" . "e" . $n % 5;
				mkdir "d" . $n % 17; mkdir $dir;
				open my $f, ">", "$dir/file$n" or die $!;
				print $f join("", map { chr(32 + int rand 95) } 1 .. 10 + int rand 3000), "\n" x ($n % 3);
				close $f;
				chmod 0600 | ($n % 64), "$dir/file$n";
			}' "$2"
		: >empty
		mkdir "empty directory" "name with
newline"
		echo ü >"ünïcode"
		echo deep >"$(printf 'n%.0s' {1..250})"
		ln -s d0/e0 link
		ln -s nowhere dangling
		ln empty hardlink
		truncate -s 1M sparse
		echo end >>sparse
		mkfifo fifo
		find . -exec touch -h -d '2001-02-03 04:05:06.789' {} +
	)
}

# unprivileged COMMAND...: run as a user without privileges (as the caller, if he has none). As an array, so that $K23
# can stand before or after it: "${unprivileged[@]}" $K23 program, or $K23 "${unprivileged[@]}" program
if ((EUID == 0)); then
	unprivileged=(env K23_STORE="$STORES/nobody/store" setpriv --reuid=nobody --regid=nogroup --clear-groups --)
else
	unprivileged=(env)
fi

# need_unprivileged: fail at once with the reason, if that user cannot do anything here. A tool that was told to write to
# /dev/null as root may have changed its mode, and then nothing works that the user starts.
need_unprivileged() {
	"${unprivileged[@]}" sh -c 'test -w /dev/null' || fail "an unprivileged user cannot write to /dev/null"
}
