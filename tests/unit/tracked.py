#!/usr/bin/python3
"""No file that the repository tracks is one that .gitignore names. usage: tracked.py ROOT"""
import os
import subprocess
import sys

root = sys.argv[1]
if not os.path.exists(os.path.join(root, ".git")):
    print("skipped: there is no git checkout")
    sys.exit(77)
# Whoever runs the tests need not own the checkout, and the user's own list of ignored files does not count.
ignored = subprocess.run(["git", "-c", "safe.directory=*", "-C", root, "ls-files", "--cached", "--ignored",
                          "--exclude-per-directory=.gitignore"], check=True, capture_output=True, text=True).stdout
print(ignored, end="")
sys.exit(bool(ignored))
