#!/bin/sh
# Runs all tests: everything as built by the default compiler, a part of it once more as tests/elsewhere.sh starts it, and
# what needs no program of its own (units, hooks, commands, sites) as built by clang and with sanitizers, and the units
# by a newer clang. Warnings are errors in these. What failed is named once more at the end. usage: check.sh BUILD
set -u
build=$1
status=0
logs=

# also BUILD TARGET OPTIONS: a build besides the main one, of what the tests below need.
also() {
	folder=$1 target=$2
	shift 2
	test -f "$folder/build.ninja" || meson setup "$folder" --werror "$@" >"$folder.log" 2>&1 || { cat "$folder.log"; return 1; }
	ninja -C "$folder" "$target" >"$folder.log" 2>&1 || { cat "$folder.log"; return 1; }
}

# run BUILD LOG ARGUMENTS
run() {
	folder=$1 log=$2
	shift 2
	rm -f "$folder"/store "$folder"/store.* # what was learned by other builds
	meson test -C "$folder" --print-errorlogs --no-rebuild "$@" || status=1
	logs="$logs $folder/meson-logs/$log.json"
}

run "$build" testlog --no-suite stress
run "$build" testlog-elsewhere --setup elsewhere --suite elsewhere --suite hooks --suite commands --suite attach
if CC=clang also "$build-clang" check-targets; then
	run "$build-clang" testlog --suite unit --suite hooks --suite commands --suite sites --suite fuzz
else
	status=1
fi
if also "$build-sanitized" check-targets -Db_sanitize=address,undefined; then
	UBSAN_OPTIONS=halt_on_error=1 \
		run "$build-sanitized" testlog --suite unit --suite hooks --suite commands --suite sites
else
	status=1
fi

# The newest compiler that Debian 12 has; its gcc is the default one.
if CC=clang-19 also "$build-newer" check-units; then
	run "$build-newer" testlog --suite unit
else
	status=1
fi

# shellcheck disable=SC2086
python3 - $logs <<'COUNT' || status=1
import json, sys
passed = failed = skipped = 0
for log in sys.argv[1:]:
    for line in open(log):
        test = json.loads(line)
        result = test["result"]
        if result in ("OK", "EXPECTEDFAIL"):
            passed += 1
        elif result == "SKIP":
            skipped += 1
        else:
            failed += 1
            output = (test.get("stdout") or "") + (test.get("stderr") or "")
            print(f"{log}: {test['name']}: {result}", *output.splitlines()[-5:], sep="\n  ")
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(failed > 0 or passed == 0)
COUNT
exit $status
