#!/usr/bin/python3
"""Makes a C table of a table of names and lists of words. usage: gen_lists.py TABLE OUTPUT"""
import os
import sys

source, output = sys.argv[1:]
lists = {}
with open(source) as rows:
    for row in rows:
        if row.startswith("#"):
            continue
        name, words = row.rstrip("\n").split("\t")
        last = name or last
        lists.setdefault(last, []).extend(words.split())
with open(output, "w") as to:
    to.write(f"/* Made of {os.path.basename(source)}. */\n")
    for name, words in lists.items():
        to.write(f'{{ "{name}", "{" ".join(words)}" }},\n')
