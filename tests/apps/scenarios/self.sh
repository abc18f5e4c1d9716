# what: this project: meson setup, meson compile, and its unit and image tests, all under k23
# needs: meson ninja gcc git
# timeout: 900
# version: meson --version
. "$APPS/lib.sh"

# Tests that do not start k23 themselves: a runtime inside of a runtime is a test of its own.
suite=unit

[[ -e $TOP/meson.build ]] || skip "no meson.build yet"
# what is committed, if that is known: nobody edits it between the two runs. The build has the same paths in both.
mkdir source
if [[ -e $TOP/.git ]]; then
	git -c safe.directory="$TOP" -C "$TOP" archive HEAD | tar -C source -xf -
else
	tar -C "$TOP" --exclude='./build*' -cf - . | tar -C source -xf -
fi

logged() {
	"$@" >log 2>&1 || { status=$?; tail -n 50 log; fail "status $status: $*"; }
}
logged $K23 meson setup source/build source
logged $K23 meson compile -C source/build
if meson introspect --tests source/build | grep -q "\"suite\": \[[^]]*[\":]$suite\""; then
	logged $K23 meson test -C source/build --suite "$suite" --no-rebuild
	grep -E '^(Ok|Fail|Expected Fail|Unexpected Pass|Skipped|Timeout):' log
else
	echo "no tests in suite $suite"
fi
# nothing that was built depends on how it was built
for file in source/build/k23 source/build/hooks/*.so; do
	[[ ! -e $file ]] || cp "$file" out/
done
