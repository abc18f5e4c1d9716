# what: a server with two windows of bash; keys sent, panes captured and resized, the server killed
# needs: tmux bash
# quick: yes
# daemon: yes
# timeout: 60
# version: tmux -V
. "$APPS/lib.sh"

cat >bashrc <<'END'
PS1='ready> '
unset PROMPT_COMMAND HISTFILE
END
# the server and the programs in its windows descend from the first client, so all of them run under k23
tmux=($K23 tmux -S "$PWD/socket" -f /dev/null)
# a full-screen program needs to know its terminal, which is tmux's own
"${tmux[@]}" new-session -d -s test -x 80 -y 24 "bash --noprofile --rcfile bashrc"
server=$("${tmux[@]}" display -p '#{pid}')

screen() {
	"${tmux[@]}" capture-pane -p -t "$1"
}
shows() {
	screen "$1" | grep -q "$2"
}
cleared() {
	! shows "$1" '\^C'
}
keys() {
	"${tmux[@]}" send-keys -t "$@"
}

wait_for 20 prompt shows test 'ready>'
keys test 'echo $((6 * 7)); tty | tr -d 0-9' Enter
wait_for 20 answer shows test '/dev/pts'
keys test 'cat' Enter 'typed' Enter
wait_for 20 "echo of cat" shows test '^typed'
keys test C-c
wait_for 20 "prompt after ^C" shows test '^ready> *$'
# stop and continue in the shell's job control
running() {
	[[ $("${tmux[@]}" display -t "$1" -p '#{pane_current_command}') = "$2" ]]
}
keys test 'sleep 100' Enter
wait_for 20 "foreground job" running test sleep
keys test C-z
wait_for 20 "stopped job" shows test Stopped
keys test 'fg' Enter
wait_for 20 "continued job" running test sleep
keys test C-c
wait_for 20 "end of the job" running test bash
keys test 'clear' Enter
wait_for 20 "clear screen" cleared test
keys test 'stty size; for i in 1 2 3; do echo line $i; done; echo done' Enter
wait_for 20 "loop" shows test '^done'
screen test

"${tmux[@]}" new-window -t test "bash --noprofile --rcfile bashrc"
wait_for 20 "second prompt" shows test:1 'ready>'
"${tmux[@]}" split-window -h -t test:1 "sh -c 'trap \"stty size >resized\" WINCH; echo split; while sleep 0.05; do :; done'"
wait_for 20 "split" shows test:1.1 split
panes() {
	[[ $("${tmux[@]}" list-panes -s -t test | wc -l) = "$1" ]]
}
"${tmux[@]}" resize-pane -t test:1.1 -x 30
wait_for 20 "SIGWINCH" grep -q 30 resized
cat resized
"${tmux[@]}" list-panes -s -t test -F '#{window_index}.#{pane_index} #{pane_width}x#{pane_height} #{pane_current_command}' | sort
keys test:1.0 'exit' Enter
wait_for 20 "pane's end" panes 2
check_guard "$server"
"${tmux[@]}" kill-server
wait_for 20 "end of the server" ended "$server"
"${tmux[@]}" list-sessions 2>&1 | sed 's/ on .*//;s/ to .*//' || echo "status ${PIPESTATUS[0]}"
