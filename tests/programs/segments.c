/* The segment bases are the program's: %gs and %fs kept over calls, signals, threads and forks. */
#include "guest.h"
#include <asm/prctl.h>
#include <pthread.h>
#include <sys/auxv.h>

static unsigned long area[16] = { 1, 2, 3, 4, 5, 6, 7, 8 };
static unsigned long other[16] = { 11, 12, 13, 14 };

static unsigned long read_gs(unsigned int slot)
{
	unsigned long value;

	__asm__ volatile("mov %%gs:(%1), %0" : "=r"(value) : "r"((unsigned long)slot * 8));
	return value;
}

static unsigned long gs_base(void)
{
	unsigned long base = 1;

	/* The kernel does not look at the upper half of what is asked for. */
	EXPECT(raw(SYS_arch_prctl, 1ul << 32 | ARCH_GET_GS, &base), 0);
	return base;
}

static volatile int handled;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	EXPECT(read_gs(0), 1);
	EXPECT(gs_base(), area);
	handled++;
}

static void *thread(void *arg)
{
	(void)arg;
	/* a new thread has its creator's base */
	EXPECT(gs_base(), area);
	EXPECT(raw(SYS_arch_prctl, ARCH_SET_GS, other), 0);
	EXPECT(read_gs(1), 12);
	EXPECT(raw(SYS_close, -1), -EBADF);
	EXPECT(read_gs(0), 11);
	return NULL;
}

CASE(arch_prctl_gs)
{
	pthread_t t;
	pid_t pid;
	int i;

	EXPECT(gs_base(), 0);
	EXPECT(raw(SYS_arch_prctl, ARCH_SET_GS, area), 0);
	EXPECT(gs_base(), area);
	for (i = 0; i < 100; i++) {
		EXPECT(read_gs(0), 1);
		EXPECT(raw(SYS_close, -1), -EBADF);
		EXPECT(raw(SYS_getppid), getppid());
		EXPECT(read_gs(7), 8);
	}
	set_handler(SIGUSR1, on_signal, 0);
	raise(SIGUSR1);
	EXPECT(handled, 1);
	pid = fork();
	if (pid == 0) {
		EXPECT(gs_base(), area);
		EXPECT(read_gs(2), 3);
		_exit(guest_failures ? 1 : 0);
	}
	EXPECT(wait_for(pid), 0);
	NEED(pthread_create(&t, NULL, thread, NULL) == 0);
	pthread_join(t, NULL);
	EXPECT(read_gs(0), 1);
	EXPECT(raw(SYS_arch_prctl, ARCH_SET_GS, -1L), -EPERM);
	EXPECT(raw(SYS_arch_prctl, ARCH_GET_GS, 16), -EFAULT);
	EXPECT(raw(SYS_arch_prctl, 0x7777, 0), -EINVAL);
	EXPECT(raw(SYS_arch_prctl, ARCH_SET_GS, 0), 0);
	EXPECT(gs_base(), 0);
}

/* With FSGSBASE the program needs no call to change it. */
CASE(wrgsbase)
{
	unsigned long base;
	int i;

	if (!(getauxval(AT_HWCAP2) & 2)) {
		say("no FSGSBASE");
		return;
	}
	/* Before, it is not the program's, and somebody else may use it. */
	EXPECT(gs_base(), 0);
	__asm__ volatile("wrgsbase %0" : : "r"(area));
	for (i = 0; i < 100; i++) {
		EXPECT(read_gs(0), 1);
		EXPECT(raw(SYS_close, -1), -EBADF);
		EXPECT(gs_base(), area);
	}
	handled = 0;
	set_handler(SIGUSR1, on_signal, 0);
	raise(SIGUSR1);
	EXPECT(handled, 1);
	__asm__ volatile("wrgsbase %0" : : "r"(other));
	EXPECT(raw(SYS_close, -1), -EBADF);
	EXPECT(read_gs(0), 11);
	__asm__ volatile("rdgsbase %0" : "=r"(base));
	EXPECT(base, other);
	__asm__ volatile("wrgsbase %0" : : "r"(0UL));
}

/* %fs moved for a while: calls do not look at it. */
CASE(other_fs)
{
	unsigned long old = 0, base = 0, value;
	long closed, parent;

	EXPECT(raw(SYS_arch_prctl, ARCH_GET_FS, &old), 0);
	area[5] = 0x5151;
	/* no C library and no stack protector in between */
	value = (unsigned long)raw(SYS_arch_prctl, ARCH_SET_FS, area);
	closed = raw(SYS_close, -1);
	parent = raw(SYS_getppid);
	raw(SYS_arch_prctl, ARCH_GET_FS, &base);
	raw(SYS_arch_prctl, ARCH_SET_FS, old);
	EXPECT(value, 0);
	EXPECT(closed, -EBADF);
	EXPECT(parent, getppid());
	EXPECT(base, area);
	area[5] = 6;
	/* with a base of zero, too */
	raw(SYS_arch_prctl, ARCH_SET_FS, 0);
	closed = raw(SYS_close, -1);
	raw(SYS_arch_prctl, ARCH_SET_FS, old);
	EXPECT(closed, -EBADF);
}

/* The selector registers: loading %gs with a null selector is allowed at any time. */
CASE(selectors)
{
	unsigned short gs = 1, fs = 1;
	int i;

	for (i = 0; i < 10; i++) {
		__asm__ volatile("mov %%gs, %0\n\tmov %%fs, %1" : "=r"(gs), "=r"(fs));
		EXPECT(gs, 0);
		EXPECT(fs, 0);
		EXPECT(raw(SYS_close, -1), -EBADF);
	}
	__asm__ volatile("mov %0, %%gs" : : "r"((unsigned short)0x2b));
	EXPECT(raw(SYS_close, -1), -EBADF);
	__asm__ volatile("mov %%gs, %0" : "=r"(gs));
	EXPECT(gs, 0x2b);
	__asm__ volatile("mov %0, %%gs" : : "r"((unsigned short)0));
	EXPECT(raw(SYS_close, -1), -EBADF);
}
