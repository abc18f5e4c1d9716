# what: compile, archive and link C and C++ with gcc, g++ and clang, with make -j2; run the results
# needs: gcc g++ make
# quick: yes
# timeout: 120
# version: gcc --version
. "$APPS/lib.sh"

cp "$APPS"/programs/cc/* .
$K23 make -s -j2 all 2>&1
for program in dynamic static cplusplus lto; do
	cp "$program" out/
	# what was built under k23 also runs under it
	echo "$program: $($K23 ./"$program" 3 4)"
done
$K23 gcc -fsyntax-only -Wall error.c 2>&1 || echo "status $?"
$K23 ld -o nothing nowhere.o 2>&1 || echo "status $?"
$K23 gcc -E -dM - </dev/null | LC_ALL=C sort | sha256sum
$K23 objdump -d static | sha256sum
if command -v clang >/dev/null; then
	$K23 clang -O2 -o with-clang main.c library.c
	cp with-clang out/
	$K23 ./with-clang 5 6
fi
