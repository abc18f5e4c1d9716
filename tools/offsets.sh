#!/bin/sh
# Turns the marked lines of a file compiled to assembly into a header.
# usage: offsets.sh HEADER DEPFILE CC... SOURCE
set -eu
header=$1
depfile=$2
shift 2
"$@" -O1 -S -MD -MF "$depfile" -MT "$header" -o "$header.s"
sed -n 's/.*@OFFSET \([^"]*\)".*/#define \1/p' "$header.s" > "$header"
