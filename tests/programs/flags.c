/* The flags of the processor, over calls and in handlers. */
#include "guest.h"
#include <ucontext.h>

#define TF 0x100ul
#define DF 0x400ul
#define NT 0x4000ul
#define AC 0x40000ul
#define ID 0x200000ul
#define SHOWN (TF | DF | AC | ID)
#define MAX_SEEN 64

extern const char flags_begin[];

static struct {
	int sig, code;
	long at;
	unsigned long flags, own;
} seen[MAX_SEEN];
static volatile int count;
static unsigned long shown = SHOWN;

/* Under some hypervisors NT outlasts no stay in the kernel. Made certain without a system call. */
static void find_shown(void)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long after;

	NEED(page != MAP_FAILED);
	__asm__ volatile("sub $128, %%rsp\n\t"
			 "pushfq\n\t"
			 "pushfq\n\t"
			 "orq $0x4000, (%%rsp)\n\t"
			 "popfq\n\t"
			 "movb $1, (%1)\n\t"
			 "pushfq\n\t"
			 "pop %0\n\t"
			 "popfq\n\t"
			 "add $128, %%rsp"
			 : "=&r"(after)
			 : "r"(page)
			 : "memory", "cc");
	shown |= after & NT;
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	const greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	unsigned long own;

	__asm__ volatile("pushfq\n\tpop %0" : "=r"(own));
	if (count < MAX_SEEN) {
		seen[count].sig = sig;
		seen[count].code = info->si_code;
		seen[count].at = (long)(regs[REG_RIP] - (greg_t)flags_begin);
		seen[count].flags = (unsigned long)regs[REG_EFL];
		seen[count].own = own;
	}
	count++;
}

/* Sets flags, makes a call, and says what the flags were after it. DF and AC are gone before the compiler's code goes
 * on. */
__attribute__((noinline)) static unsigned long call_with(unsigned long flags, long nr, long a, long b, long *result)
{
	unsigned long before, after;
	long r;

	__asm__ volatile("pushfq\n\tpop %0" : "=r"(before));
	before &= ~(SHOWN | NT);
	__asm__ volatile("push %[before]\n\t"
			 "push %[flags]\n\t"
			 "popfq\n\t"
			 ".globl flags_begin\n"
			 "flags_begin:\n\t"
			 "nop\n\t"
			 "syscall\n\t"
			 "mov %%r8, %%r8\n\t"
			 "pushfq\n\t"
			 "pop %[after]\n\t"
			 "popfq"
			 : "=a"(r), [after] "=&r"(after)
			 : "a"(nr), "D"(a), "S"(b), [before] "r"(before), [flags] "r"(before | flags)
			 : "rcx", "r11", "memory", "cc");
	*result = r;
	return after & shown;
}

static void try_flags(unsigned long flags, long nr, long a, long b)
{
	long result;
	unsigned long after;

	count = 0;
	after = call_with(flags, nr, a, b, &result);
	say("%lx: call %ld = %ld, after it %lx, signals %d", flags, nr, nr == SYS_getpid ? result - getpid() : result,
	    after, count);
	for (int i = 0; i < count && i < MAX_SEEN; i++)
		say("signal %d code %d at %ld, flags %lx, in the handler %lx", seen[i].sig, seen[i].code, seen[i].at,
		    seen[i].flags & shown, seen[i].own & shown);
}

static const unsigned long sets[] = { 0, NT, AC, ID, DF, TF, NT | TF, NT | ID, NT | AC | TF, ID | TF, DF | TF,
				      NT | AC | ID | DF | TF };

CASE(calls)
{
	find_shown();
	set_handler(SIGTRAP, on_signal, 0);
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		try_flags(sets[i], SYS_getpid, 0, 0);
		try_flags(sets[i], SYS_close, -1, 0);
		try_flags(sets[i], 600, 0, 0);
	}
}

/* A handler, at the end of a call, and what its end leaves. */
CASE(handlers)
{
	find_shown();
	set_handler(SIGTRAP, on_signal, 0);
	set_handler(SIGUSR1, on_signal, 0);
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		try_flags(sets[i], SYS_kill, getpid(), SIGUSR1);
}

/* Flags that a handler sets and that the end of a handler leaves as they are. */
static void on_set(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	__asm__ volatile("pushfq\n\torq $0x204000, (%%rsp)\n\tpopfq" : : : "memory", "cc");
}

CASE(set_by_handler)
{
	find_shown();
	set_handler(SIGUSR1, on_set, 0);
	try_flags(0, SYS_kill, getpid(), SIGUSR1);
	try_flags(DF, SYS_kill, getpid(), SIGUSR1);
}
