# what: local copies, --delete, checksums, through a remote shell and from a daemon on loopback
# needs: rsync perl
# quick: yes
# timeout: 90
# version: rsync --version
. "$APPS/lib.sh"

source_tree tree 600
$K23 rsync -aHS tree/ copy/
same_tree tree copy
echo changed >>copy/d1/e1/file1
rm -r copy/d2
echo extra >copy/extra
$K23 rsync -aHS --delete --itemize-changes --checksum tree/ copy/ | LC_ALL=C sort
same_tree tree copy
$K23 rsync -aHS --delete -v --stats tree/ copy/ | grep -E '^(Number of (regular )?files|Total file size)'

# the "remote shell" drops the host name and runs the rest here
printf '#!/bin/sh\nshift\nexec "$@"\n' >shell
chmod +x shell
$K23 rsync -aHz -e "$PWD/shell" tree/ host:"$PWD/remote/"
same_tree tree remote
seq 200000 >tree/big
$K23 rsync -aH -e "$PWD/shell" tree/ host:"$PWD/remote/"
sed -i 's/^100000$/changed/' tree/big
$K23 rsync -aHI --no-whole-file --stats -e "$PWD/shell" tree/big host:"$PWD/remote/" | grep -E '^(Literal|Matched) data'
same_tree tree remote

port=$(free_port)
cat >rsyncd.conf <<END
use chroot = no
munge symlinks = no
uid = $(id -u)
gid = $(id -g)
pid file = $PWD/rsyncd.pid
[tree]
path = $PWD/tree
[upload]
path = $PWD/uploaded
read only = no
END
mkdir uploaded
start rsyncd.log $K23 rsync --daemon --no-detach --config=rsyncd.conf --address=127.0.0.1 --port="$port" --log-file=rsyncd.log
wait_for 20 "rsync daemon" listening "$port"
$K23 rsync -aH "rsync://127.0.0.1:$port/tree/" fetched/
same_tree tree fetched
$K23 rsync -aH tree/ "rsync://127.0.0.1:$port/upload/"
same_tree tree uploaded
$K23 rsync "rsync://127.0.0.1:$port/none/" 2>&1 | sed 's/(code.*//' || echo "status ${PIPESTATUS[0]}"
stop "$started" TERM
cp -a tree/d3 out/
