/* Programs with a %gs of their own: per thread, by call and by instruction, around calls and in handlers. */
#include "library.h"
#include <asm/prctl.h>
#include <pthread.h>
#include <sys/auxv.h>

static bool fsgsbase(void)
{
	return getauxval(AT_HWCAP2) & 2;
}

static unsigned long read_gs(void)
{
	unsigned long value;

	__asm__ volatile("mov %%gs:0, %0" : "=r"(value));
	return value;
}

static unsigned long gs_base(void)
{
	unsigned long base = 1, too;

	EXPECT(raw(SYS_arch_prctl, ARCH_GET_GS, &base), 0);
	/* As long as it is not the program's, somebody else may use it. */
	if (fsgsbase() && base) {
		__asm__ volatile("rdgsbase %0" : "=r"(too));
		EXPECT(too, base);
	}
	return base;
}

static void set_gs(const void *base, bool by_instruction)
{
	if (by_instruction)
		__asm__ volatile("wrgsbase %0" : : "r"(base));
	else
		EXPECT(raw(SYS_arch_prctl, ARCH_SET_GS, base), 0);
}

static long (*parent_of)(void);
static int handled;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	if (gs_base())
		CHECK(read_gs() == gs_base());
	raw(600);
	__atomic_add_fetch(&handled, 1, __ATOMIC_RELAXED);
}

/* Each area starts with its own address. */
static void use(bool by_instruction, int times)
{
	unsigned long areas[2][8] = { { (unsigned long)areas[0] }, { (unsigned long)areas[1] } };
	int i;

	for (i = 0; i < times; i++) {
		unsigned long *area = areas[i & 1];

		set_gs(area, by_instruction && (i & 2));
		EXPECT(read_gs(), area);
		EXPECT(parent_of(), getppid());
		EXPECT(read_gs(), area);
		EXPECT(raw(SYS_close, -1), -EBADF);
		EXPECT(raw(SYS_tgkill, getpid(), raw(SYS_gettid), SIGUSR1), 0);
		EXPECT(read_gs(), area);
		EXPECT(gs_base(), area);
		sched_yield();
		EXPECT(read_gs(), area);
		if (i % 16 == 15) {
			set_gs(NULL, by_instruction);
			EXPECT(gs_base(), 0);
			EXPECT(parent_of(), getppid());
		}
	}
	set_gs(NULL, by_instruction);
}

static void set_up(void)
{
	void *handle = load(beside("libsites.so"), RTLD_NOW);

	parent_of = (long (*)(void))symbol(handle, "site_getppid");
	set_handler(SIGUSR1, on_signal, SA_RESTART);
}

CASE(by_call)
{
	set_up();
	use(false, 100);
	EXPECT(handled, 100);
	EXPECT(gs_base(), 0);
}

CASE(by_instruction)
{
	if (!fsgsbase()) {
		say("no FSGSBASE");
		return;
	}
	set_up();
	use(true, 100);
	EXPECT(handled, 100);
	EXPECT(gs_base(), 0);
}

static void load_selector(unsigned selector)
{
	__asm__ volatile("mov %w0, %%gs" : : "r"(selector));
}

/* Calls go on as before, of patched sites and others. */
static void make_calls(void)
{
	for (int i = 0; i < 20; i++) {
		EXPECT(parent_of(), getppid());
		EXPECT(raw(SYS_close, -1), -EBADF);
		EXPECT(raw(SYS_tgkill, getpid(), raw(SYS_gettid), SIGUSR1), 0);
	}
}

/* The selector that is there already: on some processors the base becomes 0. */
CASE(by_selector)
{
	set_up();
	make_calls();
	load_selector(0);
	make_calls();
	EXPECT(gs_base(), 0);
	load_selector(3);
	make_calls();
	load_selector(0);
	make_calls();
	EXPECT(gs_base(), 0);
	EXPECT(handled, 80);
}

static void *thread(void *arg)
{
	EXPECT(gs_base(), 0);
	use(arg && fsgsbase(), 100);
	return NULL;
}

STRESS(threads)
{
	pthread_t t[6];
	long i;

	set_up();
	for (i = 0; i < 6; i++)
		NEED(pthread_create(&t[i], NULL, thread, (void *)(i & 1)) == 0);
	for (i = 0; i < 6; i++)
		pthread_join(t[i], NULL);
}

HELPER(executed)
{
	EXPECT(gs_base(), 0);
	say("executed");
}

static unsigned long area[8];

static void inherit(void)
{
	EXPECT(gs_base(), area);
	EXPECT(read_gs(), 77);
	set_gs(NULL, false);
	EXPECT(gs_base(), 0);
}

static void execute(void)
{
	execl(self_path(), "zero", "executed", NULL);
}

/* Children have it, the next program has not. */
CASE(children)
{
	pid_t pid;

	set_up();
	area[0] = 77;
	set_gs(area, false);
	say("-> %d", in_child(inherit));
	EXPECT(read_gs(), 77);
	pid = vfork();
	if (pid == 0)
		raw(SYS_exit, read_gs() == 77 && parent_of() > 0 ? 3 : 4);
	EXPECT(wait_for(pid), 3);
	EXPECT(read_gs(), 77);
	say("-> %d", in_child(execute));
	EXPECT(gs_base(), area);
}
