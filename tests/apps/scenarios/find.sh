# what: walk /usr/lib and /usr/include with times, links and -exec
# needs: find
# quick: yes
# timeout: 60
# version: find --version
. "$APPS/lib.sh"

# byte-code caches may appear at any time
$K23 find /usr/lib /usr/include -xdev -name __pycache__ -prune -o -printf '%M %n %s %T@ %p %l\n' | sha256sum
$K23 find -L /usr/include/linux -name 'a*.h' -newermt 1990-01-01 -exec wc -c {} + | sort
$K23 find /etc -maxdepth 1 -name 'host*' -execdir sh -c 'echo "$PWD $1"' _ {} \; | sort
$K23 find /nowhere 2>&1 || echo "status $?"
$K23 ls -lR /usr/include/asm-generic | sha256sum
$K23 du -s --apparent-size /usr/include/linux | cut -f2
