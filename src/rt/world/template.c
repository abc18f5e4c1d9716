/*
 * ctx: boot, for all here.
 */
#include "rt/world/template.h"

#include <linux/futex.h>
#include <linux/random.h>
#include <linux/sched.h>

#include <k23/world.h>

#include "core/string.h"
#include "rt/base/chain.h"

static struct bundle_template *template(void)
{
	return (struct bundle_template *)rt.bundle->template;
}

uint64_t rt_template_room(uint64_t size)
{
	uint64_t at = template()->memory;

	template()->memory += core_page_up(size);
	return at;
}

void rt_template_says(enum bundle_template_state state)
{
	__atomic_store_n(&template()->state, state, __ATOMIC_RELEASE);
	sys(futex, &template()->state, FUTEX_WAKE, 1);
}

void rt_template_give_up(void)
{
	rt_template_says(BUNDLE_TEMPLATE_ENDS);
	for (;;)
		sys(exit_group, 125);
}

void rt_template_ask(const struct rt_world *world)
{
	if (rt.bundle->template && !rt_chain_hook(rt.bundle->worlds[world->index].hook)->prepare)
		rt_template_give_up();
}

/* Of what the C library asks for itself, before constructors run: the answers are the same in each image, or serve for
 * all of them, as they do for the children of a fork. */
static bool is_of_start(const struct core_regs *regs)
{
	switch (regs->rax) {
	case K23_WORLD_PARK:
	case __NR_brk:
	case __NR_clone: /* of fork(), which there is no other way to be a template by */
	case __NR_clone3:
	case __NR_arch_prctl:
	case __NR_futex:
	case __NR_madvise:
	case __NR_mmap:
	case __NR_mprotect:
	case __NR_mremap:
	case __NR_munmap:
	case __NR_rseq:
	case __NR_rt_sigaction:
	case __NR_rt_sigprocmask:
	case __NR_set_robust_list:
	case __NR_set_tid_address:
	case __NR_sigaltstack:
		return true;
	case __NR_getrandom: /* by which malloc makes its marks */
		return regs->rsi == 8 && regs->rdx & GRND_NONBLOCK;
	case __NR_prlimit64:
		return !regs->rdx;
	case __NR_readlink:
		return core_equal((const char *)regs->rdi, "/proc/self/exe");
	default:
		return false;
	}
}

/* A thread of the hook's own would not be there in an image. */
static bool makes_thread(const struct rt_world *world)
{
	return (world->regs.rax == __NR_clone || world->regs.rax == __NR_clone3) && !world->make;
}

void rt_template_ask_call(const struct rt_world *world)
{
	if (rt.bundle->template && makes_thread(world))
		rt_template_give_up();
	else if (!is_of_start(&world->regs))
		rt_template_ask(world);
}
