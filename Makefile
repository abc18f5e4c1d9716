# k23 is built with Meson; this file is the short way to it. Every target installs what it needs and is missing.

BUILD := build
PACKAGES := gcc meson ninja-build pkg-config python3 binutils libelf-dev libdw-dev libbz2-dev libzydis-dev \
	libjson-c-dev nettle-dev libprotobuf-c-dev protobuf-c-compiler linux-libc-dev musl-dev
TEST_PACKAGES := busybox-static clang clang-19 libclang-rt-14-dev libpython3.11-dev musl-tools golang-go strace gdb libbpf-dev util-linux \
	iproute2 libsqlite3-dev mandoc python3-jsonschema python3-protobuf bubblewrap crun curl g++ git memcached nodejs openssl perl rsync sqlite3 tmux \
	xz-utils zstd bzip2 file gpg jq lz4 make openssh-client procps xxd
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo)

.PHONY: build try static check check-apps check-containers check-kernels check-package check-peers fuzz fuzz-programs soak bench \
	bench-containers install uninstall clean deps zydis test-deps app-deps container-deps kernel-deps package-deps peer-deps

build: deps
	@test -f $(BUILD)/build.ninja || meson setup $(SETUP) $(BUILD)
	ninja -C $(BUILD)

# Shows on real programs what k23 is for. Builds what that needs, and keeps to itself how.
try: deps
	@echo "building k23 in $(BUILD)/"
	@{ test -f $(BUILD)/build.ninja || meson setup $(BUILD); } >$(BUILD).log 2>&1 && \
		ninja -C $(BUILD) k23-and-hooks >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@tools/try.sh $(BUILD)/k23

# A build from before has no tests for what was not installed then.
check: SETUP := --werror
check: test-deps build
	@$(MAKE) --no-print-directory zydis || echo "k23-static is neither built nor tested"
	@meson setup --reconfigure $(SETUP_STATIC) $(BUILD) >$(BUILD).log || { cat $(BUILD).log; exit 1; }
	ninja -C $(BUILD)
	@tools/check.py $(BUILD)

# Real applications, from shells to databases and a browser; installs them.
check-apps: build app-deps
	@python3 tests/apps/run.py --k23 $(BUILD)/k23 $(APPS)
	@$(if $(APPS),,python3 tests/commands/page.py $(BUILD)/k23 browser $(BUILD)/stat-page.png)

# make check-peers LTP=/path/to/ltp ...: test suites of others, which the user has built in the folders given, natively
# and under k23 (docs/peers.md). ONLY='LTP/mmap*' and MODES=null choose, RESUME=1 goes on, JOBS=2 runs two at once.
PEERS := LINUX LTP OPEN_POSIX RR LIBURING ZDTM PYTHON GO STRESS_NG
check-peers: build peer-deps
	@python3 tests/peers/run.py --k23 $(BUILD)/k23 --results $(BUILD)/peers $(if $(ONLY),--only '$(ONLY)') \
		$(if $(MODES),--modes $(MODES)) $(if $(RESUME),--resume) $(if $(JOBS),--jobs $(JOBS)) \
		$(foreach suite,$(PEERS),$(if $($(suite)),'$(suite)=$($(suite))'))

# Containers by podman, as root and rootless, of busybox and of Debian.
check-containers: static container-deps
	@python3 tests/containers/podman.py $(BUILD)/k23-oci $(BUILD)/k23-static $(BUILD)/hooks

# Debian's packages, built twice, looked at by lintian, and tested in a system of their own; left in build/debian.
check-package: package-deps
	@tests/packaging/package.sh . $(BUILD)/debian

# make check-kernels KERNELS="6.1 6.12": the quick half of the tests in virtual machines with Debian's kernels; without
# KERNELS, in each that apt reaches.
check-kernels: build kernel-deps
	@python3 tests/kernels/run.py --build $(BUILD) --kernels "$(KERNELS)"

# make fuzz SECONDS=600: each fuzzer for so long; what they find is left in build-clang/tests/fuzz.
SECONDS ?= 60
fuzz: test-deps
	@test -f $(BUILD)-clang/build.ninja || CC=clang meson setup $(BUILD)-clang --werror
	ninja -C $(BUILD)-clang fuzzers
	FUZZ_SECONDS=$(SECONDS) meson test -C $(BUILD)-clang --no-rebuild --suite fuzz --print-errorlogs

# make fuzz-programs COUNT=50000 FIRST=1: random programs, natively and under k23; each is a seed, and can be run again.
# KIND=wide: of more kinds of calls; KIND=rare: and what few programs do.
COUNT ?= 1000
FIRST ?= 1
KIND ?= run
fuzz-programs: build
	@python3 tests/fuzz/programs.py --k23 $(BUILD)/k23 --store $(BUILD)/tests/base.store --first $(FIRST) \
		--count $(COUNT) --kind $(KIND) $(BUILD)/tests/random

# make soak MINUTES=30: mixed load, natively and under k23 at once; nothing may grow.
MINUTES ?= 30
soak: build
	@python3 tests/fuzz/soak.py --k23 $(BUILD)/k23 --store $(BUILD)/tests/base.store --seconds $$((60 * $(MINUTES))) \
		$(BUILD)/tests/soak $(BUILD)/tests/libsites.so

bench: build
	@python3 bench/run.py --k23 $(BUILD)/k23 --build $(BUILD)

bench-containers: static container-deps
	@python3 bench/containers.py $(BUILD)

install: build
	meson install -C $(BUILD) --strip

# What `make install` with the same DESTDIR has put there.
uninstall:
	@python3 tools/uninstall.py $(BUILD)

# build/k23-static needs no library, for containers. Debian's Zydis has no archive: one is made from Debian's sources.
static: zydis
	@meson setup $(if $(wildcard $(BUILD)/build.ninja),--reconfigure) $(SETUP_STATIC) $(BUILD) >$(BUILD).log || \
		{ cat $(BUILD).log; exit 1; }
	ninja -C $(BUILD) k23-and-hooks k23-static k23-oci

SETUP_STATIC = -Dstatic_zydis=$(abspath $(BUILD)/zydis)
zydis: deps
	@SUDO='$(SUDO)' tools/packages.sh dpkg-dev zlib1g-dev
	@tools/static-zydis.sh $(BUILD)/zydis

clean:
	rm -rf $(BUILD)

deps:
	@SUDO='$(SUDO)' tools/packages.sh $(PACKAGES)

test-deps: deps
	@SUDO='$(SUDO)' tools/packages.sh $(TEST_PACKAGES) $$(rustc --version >/dev/null 2>&1 || echo rustc)

app-deps: deps
	@SUDO='$(SUDO)' tools/packages.sh $$(sed 's/#.*//' tests/apps/packages.txt)

peer-deps: deps
	@SUDO='$(SUDO)' tools/packages.sh util-linux iproute2

kernel-deps: deps
	@SUDO='$(SUDO)' tools/packages.sh qemu-system-x86 busybox-static kmod

container-deps: deps
	@SUDO='$(SUDO)' tools/packages.sh podman crun uidmap mmdebstrap busybox-static util-linux

package-deps: deps
	@SUDO='$(SUDO)' tools/packages.sh autopkgtest debhelper dpkg-dev git lintian mmdebstrap util-linux zlib1g-dev
