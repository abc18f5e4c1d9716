# what: create, list, compare and extract archives, plain, gzip, xz and zstd
# needs: tar gzip xz zstd perl
# quick: yes
# timeout: 60
# version: tar --version
. "$APPS/lib.sh"

source_tree tree 600
# pax for times below a second, without what is different in every run: access times, and the pid in header names
options=(--sort=name --owner=0 --group=0 --numeric-owner --format=pax
	--pax-option='exthdr.name=%d/pax/%f,delete=atime,delete=ctime')
$K23 tar "${options[@]}" -cf out/tree.tar tree
$K23 tar -tvf out/tree.tar | sha256sum
$K23 tar -df out/tree.tar
mkdir copy
$K23 tar -C copy -xpf out/tree.tar
digest copy/tree
same_tree copy/tree tree

# holes by SEEK_HOLE; this archive is not compared, since it has tar's pid in it
$K23 tar "${options[@]}" --sparse --hole-detection=seek -cf sparse.tar tree/sparse
rm copy/tree/sparse
$K23 tar -C copy -xpf sparse.tar
same_tree copy/tree tree
[[ $(stat -c %b copy/tree/sparse) -lt 100 ]] || fail "the holes were filled"

for filter in "gzip -n" "xz -T2" "zstd -T2 -q"; do
	$K23 tar "${options[@]}" -I "$filter" -cf "archive.${filter%% *}" tree
	rm -rf copy/tree
	$K23 tar -C copy -xpf "archive.${filter%% *}" -I "${filter%% *}"
	same_tree copy/tree tree
done

touch -d '2002-01-01' tree/d0/e0/file0
$K23 tar -df out/tree.tar || echo "status $?"
(cd tree && $K23 tar -cf - d1 d2) | (cd copy && $K23 tar -xvf - | wc -l)
head -c 50000 out/tree.tar | $K23 tar -tf - 2>&1 | tail -n 2 || echo "statuses ${PIPESTATUS[*]}"
$K23 cp -a tree second
same_tree second tree
