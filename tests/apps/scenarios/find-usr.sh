# what: find /usr with all properties; grep -r and du over parts of it
# needs: find
# timeout: 300
# version: find --version
. "$APPS/lib.sh"

# byte-code caches may appear at any time
$K23 find /usr -xdev -name __pycache__ -prune -o -printf '%M %n %s %T@ %p %l\n' >list
wc -l <list
sha256sum <list
$K23 grep -rlF system /usr/include | sort | sha256sum
$K23 du -sb /usr/include /usr/lib/gcc
$K23 find /usr/share/doc -name 'copyright' -type f -print0 | $K23 xargs -0 -P 2 -n 50 sha256sum | sort | sha256sum
