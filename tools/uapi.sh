#!/bin/sh
# Makes a folder with the kernel's headers and the compiler's own, so that freestanding code cannot include a libc's.
# usage: uapi.sh CC... FOLDER STAMP
set -eu
cc=$1
shift
while [ $# -gt 2 ]; do
	cc="$cc $1"
	shift
done
mkdir -p "$1"
echo '#include <linux/types.h>
#include <asm/types.h>
#include <asm-generic/types.h>' | $cc -E - | sed -n 's/^# 1 "\(.*\)\/types\.h".*/\1/p' | while read -r folder; do
	case $folder in
	*/linux | */asm | */asm-generic) ln -sfn "$folder" "$1/${folder##*/}" ;;
	esac
done
test -e "$1/linux/types.h" -a -e "$1/asm/types.h" -a -e "$1/asm-generic/types.h"
cp "$($cc -print-file-name=include)"/std*.h "$1"
cp "$($cc -print-file-name=include)"/__std*.h "$1" 2>/dev/null || true
touch "$2"
