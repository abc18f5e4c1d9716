# k23 is built with Meson; this file is the short way to it. Every target installs what it needs and is missing.

BUILD := build
PACKAGES := gcc meson ninja-build pkg-config python3 binutils libelf-dev libzydis-dev libjson-c-dev libssl-dev linux-libc-dev
TEST_PACKAGES := clang clang-19 libclang-rt-14-dev musl-tools golang-go strace gdb util-linux mandoc \
	curl g++ git memcached nodejs openssl perl rsync sqlite3 tmux xz-utils zstd
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo)

.PHONY: build try check check-apps check-kernels check-peers fuzz fuzz-programs soak bench install clean deps test-deps \
	app-deps kernel-deps peer-deps

build: deps
	@test -f $(BUILD)/build.ninja || meson setup $(SETUP) $(BUILD)
	ninja -C $(BUILD)

# Shows on a real program what k23 is for.
try: build
	@tools/try.sh $(BUILD)/k23

# A build from before has no tests for what was not installed then.
check: SETUP := --werror
check: test-deps build
	@meson setup --reconfigure $(BUILD) >$(BUILD).log || { cat $(BUILD).log; exit 1; }
	ninja -C $(BUILD)
	@tools/check.sh $(BUILD)

# Real applications, from shells to databases and a browser; installs them.
check-apps: build app-deps
	@python3 tests/apps/run.py --k23 $(BUILD)/k23 $(APPS)

# make check-peers LTP=/path/to/ltp ...: test suites of others, which the user has built in the folders given, natively
# and under k23 (docs/peers.md). ONLY='LTP/mmap*' and MODES=null choose, RESUME=1 goes on, JOBS=2 runs two at once.
PEERS := LINUX LTP OPEN_POSIX RR LIBURING ZDTM PYTHON GO STRESS_NG
check-peers: build peer-deps
	@python3 tests/peers/run.py --k23 $(BUILD)/k23 --results $(BUILD)/peers $(if $(ONLY),--only '$(ONLY)') \
		$(if $(MODES),--modes $(MODES)) $(if $(RESUME),--resume) $(if $(JOBS),--jobs $(JOBS)) \
		$(foreach suite,$(PEERS),$(if $($(suite)),'$(suite)=$($(suite))'))

# make check-kernels KERNELS="6.1 6.12": the quick half of the tests in virtual machines with Debian's kernels; without
# KERNELS, in each that apt reaches.
check-kernels: build kernel-deps
	@python3 tests/kernels/run.py --build $(BUILD) --kernels "$(KERNELS)"

# make fuzz SECONDS=600: each fuzzer for so long; what they find is left in build-clang/tests/fuzz.
SECONDS ?= 60
fuzz: test-deps
	@test -f $(BUILD)-clang/build.ninja || CC=clang meson setup $(BUILD)-clang --werror
	ninja -C $(BUILD)-clang check-targets
	FUZZ_SECONDS=$(SECONDS) meson test -C $(BUILD)-clang --no-rebuild --suite fuzz --print-errorlogs

# make fuzz-programs COUNT=50000 FIRST=1: random programs, natively and under k23; each is a seed, and can be run again.
COUNT ?= 1000
FIRST ?= 1
fuzz-programs: build
	@python3 tests/fuzz/programs.py --k23 $(BUILD)/k23 --store $(BUILD)/tests/base.store --first $(FIRST) \
		--count $(COUNT) $(BUILD)/tests/random

# make soak MINUTES=30: mixed load, natively and under k23 at once; nothing may grow.
MINUTES ?= 30
soak: build
	@python3 tests/fuzz/soak.py --k23 $(BUILD)/k23 --store $(BUILD)/tests/base.store --seconds $$((60 * $(MINUTES))) \
		$(BUILD)/tests/soak $(BUILD)/tests/libsites.so

bench: build
	@python3 bench/run.py --k23 $(BUILD)/k23 --build $(BUILD)

install: build
	meson install -C $(BUILD)

clean:
	rm -rf $(BUILD)

deps:
	@SUDO='$(SUDO)' tools/packages.sh $(PACKAGES)

test-deps: deps
	@SUDO='$(SUDO)' tools/packages.sh $(TEST_PACKAGES)

app-deps: deps
	@SUDO='$(SUDO)' tools/packages.sh $$(sed 's/#.*//' tests/apps/packages.txt)

peer-deps: deps
	@SUDO='$(SUDO)' tools/packages.sh util-linux iproute2

kernel-deps: deps
	@SUDO='$(SUDO)' tools/packages.sh qemu-system-x86 busybox-static kmod
