#!/bin/sh
# Runs all tests and counts them. usage: check.sh BUILD
set -u
build=$1
meson test -C "$build" --print-errorlogs --no-rebuild --no-suite stress
status=$?
python3 - "$build/meson-logs/testlog.json" <<'COUNT'
import json, sys
passed = failed = skipped = 0
for line in open(sys.argv[1]):
    result = json.loads(line)["result"]
    if result in ("OK", "EXPECTEDFAIL"):
        passed += 1
    elif result == "SKIP":
        skipped += 1
    else:
        failed += 1
print(f"{passed} passed, {failed} failed, {skipped} skipped")
COUNT
exit $status
