# Job control, pipes and signals as shell scripts use them; prints the same in every run.

seq 20000 | grep 7 | sed 's/7/x/g' | tr x y | sort -r | uniq | wc -l | awk '{ print "pipeline", $1 }'
false | true | (exit 5) | cat
echo "PIPESTATUS ${PIPESTATUS[*]}"

total=0
for i in {1..100}; do total=$((total + $(echo "$i"))); done
echo "substitutions $total"

diff <(seq 1 5) <(seq 2 6)
echo "diff $?"
tee >(sha256sum >hash) < <(yes | head -c 1000000) | wc -c
wait
until [ -s hash ]; do sleep 0.01; done
cut -c1-16 hash

# its variables go away as soon as bash notices its end
coproc upper { while read -r line; do echo "${line^^}"; done; }
echo hello >&"${upper[1]}"
read -r answer <&"${upper[0]}"
echo "coprocess $answer"
end=${upper[1]} pid=$upper_PID
exec {end}>&-
wait "$pid"
echo "coprocess ended $?"

for i in {1..10}; do (exit "$i") & pids[i]=$!; done
for i in {1..10}; do wait "${pids[i]}"; printf '%s ' $?; done
echo

trap 'echo got USR1' USR1
trap 'echo got CHLD >/dev/null' CHLD
for i in 1 2 3; do (kill -USR1 $$); done
trap - CHLD
sleep 10 &
sleeper=$!
kill "$sleeper"
wait "$sleeper" 2>/dev/null
echo "sleeper $?"

# a signal must end a blocking wait, and the wait must be repeatable
(sleep 0.2; kill -USR1 $$) &
killer=$!
sleep 0.5 &
wait $!
echo "interrupted wait $(($? > 128))"
wait

read -r -t 0.1 nothing < <(sleep 0.3)
echo "timeout $(($? > 128))"
timeout 0.1 sleep 5
echo "timeout(1) $?"

# a subshell, for a list of jobs of its own; its messages about them come when they like
(
	set -m
	sleep 5 &
	job=$!
	kill -STOP "$job"
	until grep -q '^State:.[Tt]' "/proc/$job/status"; do sleep 0.01; done
	jobs -s | sed 's/^.[0-9]*..//; s/ *sleep.*//'
	kill -CONT "$job"
	kill "$job"
	# wait alone may return at the change from stopped to running
	while kill -0 "$job" 2>/dev/null; do sleep 0.01; done
	wait "$job" 2>/dev/null
	echo "job $?"
) 2>/dev/null

( trap 'echo exit trap' EXIT; exit 7 )
echo "subshell $?"
exec 5>fd5; echo through 5 >&5; exec 5>&-; cat fd5
cat <<END
here $(printf %s document)
END
yes | head -n 1
echo "SIGPIPE ${PIPESTATUS[0]}"
./does-not-exist 2>&1 | sed 's/.*: //'
/etc/passwd 2>/dev/null
echo "cannot execute $?"
printf '%s\n' {1..5000} | xargs -n 100 -P 4 echo | wc -w
env -i /bin/sh -c 'echo empty environment $HOME'
type -p awk >/dev/null && awk 'BEGIN { "echo from awk" | getline x; print x; system("exit 4"); print 2^10 }'
find . -maxdepth 1 -type f -name 'fd*' -exec sh -c 'echo "$@"' _ {} +
