# The body of the Chromium scenarios.

# print_page USER-COMMAND OPTIONS...: a local page as DOM, PDF and screenshot. USER-COMMAND is an array's name, the words
# that change the user.
print_page() {
	local -n user=$1
	shift
	mkdir user
	"${user[@]}" test -w user || chown nobody:nogroup user
	cp "$APPS/programs/page.html" user/
	cd user
	local chromium=($K23 "${user[@]}" chromium --headless --disable-gpu --user-data-dir="$PWD/profile"
		--no-first-run --disable-background-networking --disable-component-update --disable-breakpad
		--force-device-scale-factor=1 --window-size=800,600 "$@")
	export HOME=$PWD DBUS_SESSION_BUS_ADDRESS=disabled:

	# all its processes, at rest; they include the sandboxed ones
	start idle.log "${chromium[@]}" --remote-debugging-port=0 "file://$PWD/page.html"
	wait_for 60 "start of Chromium" grep -q '^DevTools listening' idle.log
	local address
	address=$(sed -n 's|^DevTools listening on ws://\([^/]*\)/.*|\1|p' idle.log)
	wait_for 60 "page in the renderer" bash -c "curl -s http://$address/json | grep -q '\"title\": \"printed page\"'"
	stop "$started" TERM
	chromium+=(--virtual-time-budget=5000)

	# stderr has the time and pids in its lines, and complaints about missing services
	"${chromium[@]}" --dump-dom "file://$PWD/page.html" 2>>log | sed -n '/<p id/p; /<td>/s/.*/table/p' || fail "$(tail log)"
	"${chromium[@]}" --screenshot=shot.png "file://$PWD/page.html" 2>>log || fail "$(tail log)"
	"${chromium[@]}" --no-pdf-header-footer --print-to-pdf=page.pdf "file://$PWD/page.html" 2>>log || fail "$(tail log)"
	# the one thing that changes
	sed -i -E 's/(CreationDate|ModDate) \(D:[^)]*\)/\1 ()/' page.pdf
	mv shot.png page.pdf ../out/
	! grep -iE 'crash|FATAL|signal [0-9]|seccomp' log || fail "see the log"
}
