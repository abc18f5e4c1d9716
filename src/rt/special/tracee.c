/*
 * The tracees of this process: who they are, where their runtime is, and what registers the program sees.
 *
 * The table has a fixed size. A tracee for which there is no room is resumed with PTRACE_CONT after each guarded call,
 * cannot call execve, and its system call stops are not shown.
 */
#include "rt/special/tracee.h"

#include <asm/errno.h>
#include <linux/ptrace.h>
#include <linux/uio.h>

#include "core/string.h"

#ifndef SYS_USER_DISPATCH
#define SYS_USER_DISPATCH 2
#endif
#define TRACEES 256
#define HEADER_PAGES 64 /* between the beginning of a bundle and its gate, at most */
#define FOLLOWS (PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE)
#define GET_DISPATCH_CONFIG 0x4211 /* PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG: Linux 6.4 */

static RT_TABLE struct tracee tracees[TRACEES];
static uint32_t count;

/* ctx: entry; no locks: a record belongs to the thread that traces */
struct tracee *tracee_find(int tid)
{
	if (__atomic_load_n(&count, __ATOMIC_RELAXED))
		for (size_t i = 0; i < TRACEES; i++)
			if (tracees[i].tid == tid)
				return &tracees[i];
	return NULL;
}

/* The record of a tracee, a fresh one if it is new; or NULL. ctx: entry */
struct tracee *tracee_adopt(int tid)
{
	struct tracee *found = tracee_find(tid);

	for (size_t i = 0; !found && i < TRACEES; i++) {
		int32_t is_free = 0;

		if (!tracees[i].tid && __atomic_compare_exchange_n(&tracees[i].tid, &is_free, tid, false,
								   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
			found = &tracees[i];
			__atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
			found->flags = 0;
			found->request = PTRACE_CONT;
			found->options = 0;
			found->bundle = 0;
		}
	}
	return found;
}

/* ctx: entry */
void tracee_drop(int tid)
{
	struct tracee *tracee = tracee_find(tid);

	if (tracee) {
		__atomic_store_n(&tracee->tid, 0, __ATOMIC_RELEASE);
		__atomic_fetch_sub(&count, 1, __ATOMIC_RELAXED);
	}
}

/* A forked child traces nobody. ctx: entry */
void tracees_forked(void)
{
	if (count)
		memset(tracees, 0, sizeof(tracees));
	count = 0;
}

static long transfer(long nr, int tid, void *here, uint64_t there, size_t size)
{
	struct iovec local = { here, size }, remote = { (void *)there, size };
	long r = raw_syscall(nr, (unsigned long)tid, (unsigned long)&local, 1, (unsigned long)&remote, 1, 0);

	return failed(r) || (size_t)r != size ? -EIO : 0;
}

long tracee_read(int tid, void *to, uint64_t from, size_t size)
{
	return transfer(__NR_process_vm_readv, tid, to, from, size);
}

long tracee_write(int tid, uint64_t to, const void *from, size_t size)
{
	return transfer(__NR_process_vm_writev, tid, (void *)(uintptr_t)from, to, size);
}

/* Whether a bundle with the runtime that we are lies there, its gate this far into it. */
static bool is_bundle(struct tracee *tracee, uint64_t address, uint64_t gate)
{
	const struct bundle *own = rt.bundle;
	struct bundle head;

	if (failed(tracee_read(tracee->tid, &head, address, offsetof(struct bundle, segments))))
		return false;
	if (head.magic != BUNDLE_MAGIC || head.version != own->version || head.gate != gate ||
	    head.start - head.gate != own->start - own->gate || head.runtime_text_size != own->runtime_text_size)
		return false;
	tracee->bundle = address;
	tracee->gate = address + gate;
	tracee->size = head.regions;
	return true;
}

/* Finds the runtime of a stopped tracee: by its guard, which the kernel tells; else, for a fork of ours before its
 * guard is armed, and on a kernel that does not tell, where our own is. ctx: entry */
void tracee_locate(struct tracee *tracee)
{
	struct {
		uint64_t mode, selector, offset, size;
	} config = { 0 };

	if (tracee->bundle)
		return;
	if (!failed(sys(ptrace, GET_DISPATCH_CONFIG, tracee->tid, sizeof(config), &config)) && config.mode)
		for (uint64_t size = 0; size < HEADER_PAGES * RT_PAGE; size += RT_PAGE)
			if (is_bundle(tracee, config.offset - size, size))
				return;
	is_bundle(tracee, rt.start, rt.bundle->gate);
}

/* Tells the tracee's runtime what to do for us. ctx: entry */
void tracee_mark(struct tracee *tracee, uint32_t traced)
{
	uint64_t offset = (uint64_t)&rt.traced - (uint64_t)rt_gate_page;

	if (!tracee->bundle || failed(tracee_write(tracee->tid, tracee->gate + offset, &traced, sizeof(traced))))
		return;
	tracee->flags &= ~(uint32_t)(TRACEE_MARKED | TRACEE_CALLS);
	if (traced & RT_TRACED)
		tracee->flags |= TRACEE_MARKED;
	if (traced & RT_TRACED_CALLS)
		tracee->flags |= TRACEE_CALLS;
}

static uint64_t in_gate(const struct tracee *tracee, const char *label)
{
	return tracee->gate + (uint64_t)(label - rt_gate_page);
}

/* The registers that the program would have at this point of its call, from what the runtime keeps of them. */
static void show(struct tracee_view *view, const struct rt_thread *thread)
{
	const struct rt_regs *regs = &thread->regs;
	struct inj_regs *to = &view->shown;

	to->r8 = regs->r8, to->r9 = regs->r9, to->r10 = regs->r10, to->r11 = regs->r11;
	to->r12 = regs->r12, to->r13 = regs->r13, to->r14 = regs->r14, to->r15 = regs->r15;
	to->rdi = regs->rdi, to->rsi = regs->rsi, to->rbp = regs->rbp, to->rbx = regs->rbx;
	to->rdx = regs->rdx, to->rcx = regs->rcx, to->rsp = regs->rsp, to->rip = regs->rip;
	to->eflags = regs->eflags, to->rax = regs->rax, to->orig_rax = ~0ul;
	if (view->kind == RT_STOP_EXIT)
		to->orig_rax = thread->orig_rax;
	if (!thread->in_call)
		return;
	to->orig_rax = regs->rax;
	if (view->in_gate && view->real.orig_rax == __NR_restart_syscall)
		to->orig_rax = __NR_restart_syscall;
	to->rax = view->in_gate ? view->real.rax : (uint64_t)-ENOSYS;
	if (view->arch == K23_ARCH_X86_64) {
		to->rcx = to->rip;
		to->r11 = to->eflags;
	}
}

/* The registers of a stopped tracee. ctx: entry */
long tracee_view(const struct tracee *tracee, struct tracee_view *view)
{
	struct rt_thread thread;
	uint64_t ip;
	long r = sys(ptrace, PTRACE_GETREGS, tracee->tid, 0, &view->real);

	if (failed(r))
		return r;
	view->shown = view->real;
	view->thread = NULL;
	view->kind = 0;
	view->in_call = view->in_gate = view->restarts = view->returns = false;
	ip = view->real.rip;
	if (tracee_view_fast(tracee, view))
		return 0;
	if (!tracee->bundle || ip - tracee->bundle >= tracee->size ||
	    ip - in_gate(tracee, (const char *)rt_start) < (uint64_t)(rt_start_end - (const char *)rt_start))
		return 0;
	view->thread = rt_region_thread(view->real.rsp);
	r = tracee_read(tracee->tid, &thread, (uint64_t)view->thread, offsetof(struct rt_thread, fast_return));
	if (failed(r) || !thread.stack_top /* a new image, where nothing is set up yet */) {
		view->thread = NULL;
		return 0;
	}
	if (ip == in_gate(tracee, rt_gate_stop_ip))
		view->kind = (uint32_t)view->real.rdi;
	view->in_call = thread.in_call;
	view->in_gate = ip == in_gate(tracee, rt_gate_done) || ip == in_gate(tracee, rt_gate_i386_done);
	view->restarts = view->in_gate && (int64_t)view->real.rax >= -516 && (int64_t)view->real.rax <= -512;
	view->returns = !thread.signal &&
			ip - in_gate(tracee, rt_return_begin) < (uint64_t)(rt_return_end - rt_return_begin);
	view->arch = thread.call.arch;
	show(view, &thread);
	if (tracee->flags & TRACEE_EXEC_STOP)
		view->shown.orig_rax = thread.orig_rax;
	return 0;
}

/* Whether the tracee is in a stop for a call that the guard caught. ctx: entry */
bool tracee_at_guard(int tid)
{
	siginfo_t info;

	return !failed(sys(ptrace, PTRACE_GETSIGINFO, tid, 0, &info)) && info.si_signo == SIGSYS &&
	       info.si_code == SYS_USER_DISPATCH;
}

/* A task that was not there before: if it did not ask for it, it came to us with its creator's options. */
static struct tracee *meet(int tid, uint32_t stop)
{
	struct tracee *tracee = tracee_find(tid), *new;

	if (tracee)
		return tracee;
	new = tracee_adopt(tid);
	if (!new || (stop >> 8 == 0 && stop != SIGSTOP))
		return new;
	for (size_t i = 0; i < TRACEES; i++)
		if (tracees[i].tid && &tracees[i] != new && tracees[i].options & FOLLOWS) {
			new->options = tracees[i].options;
			new->flags = tracees[i].flags & TRACEE_SEIZED;
			break;
		}
	return new;
}

/* The new task of a fork, vfork or clone event. It may have stopped before. */
static void follow(const struct tracee *parent)
{
	unsigned long tid = 0;
	struct tracee *child;

	if (failed(sys(ptrace, PTRACE_GETEVENTMSG, parent->tid, 0, &tid)))
		return;
	child = tracee_adopt((int)tid);
	if (!child)
		return;
	child->options = parent->options;
	child->flags |= parent->flags & (TRACEE_SEIZED | TRACEE_MARKED | TRACEE_CALLS);
	child->bundle = parent->bundle;
	child->gate = parent->gate;
	child->size = parent->size;
}

static uint32_t run_on(const struct tracee *tracee, int sig)
{
	sys(ptrace, tracee->request, tracee->tid, 0, sig);
	return 0;
}

static void set_options(const struct tracee *tracee, uint32_t options)
{
	sys(ptrace, PTRACE_SETOPTIONS, tracee->tid, 0, options);
}

/* Its bundle goes into the new image only if it is the same as ours: that is the one we can plant. */
static long accept(struct tracee *tracee, const struct rt_rendezvous *box)
{
	struct bundle head;

	if (failed(tracee_read(tracee->tid, &head, tracee->bundle, offsetof(struct bundle, segments))) ||
	    head.unique != rt.bundle->unique)
		return -EPERM;
	tracee->block = box->block;
	tracee->exec_from = tracee->tid;
	/* If this process ends before the new image is ready, nobody guards that. */
	set_options(tracee, tracee->options | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	tracee->flags |= TRACEE_EXECS;
	return 0;
}

/* The tracee's runtime has something to say. */
static uint32_t meet_up(struct tracee *tracee, const siginfo_t *info)
{
	struct rt_rendezvous box;
	uint64_t answer = (uint64_t)info->si_ptr + offsetof(struct rt_rendezvous, answer);

	if (failed(tracee_read(tracee->tid, &box, (uint64_t)info->si_ptr, sizeof(box))) ||
	    box.magic != RT_RENDEZVOUS_MAGIC)
		return SIGSYS;
	box.answer = 0;
	if (box.kind == RT_EXEC_BEGINS) {
		box.answer = (int32_t)accept(tracee, &box);
	} else {
		set_options(tracee, tracee->options);
		tracee->flags &= ~(uint32_t)TRACEE_EXECS;
	}
	if (failed(tracee_write(tracee->tid, answer, &box.answer, sizeof(box.answer))))
		return SIGSYS;
	if (box.kind != RT_EXEC_STARTED || !(tracee->options & PTRACE_O_TRACEEXEC))
		return run_on(tracee, 0);
	tracee->flags |= TRACEE_EXEC_STOP;
	return SIGTRAP | PTRACE_EVENT_EXEC << 8;
}

static uint32_t guard_signal(struct tracee *tracee, const siginfo_t *info)
{
	if (info->si_code == SYS_USER_DISPATCH && tracee->bundle)
		return run_on(tracee, SIGSYS);
	if (info->si_code == SI_QUEUE && tracee->bundle)
		return meet_up(tracee, info);
	return SIGSYS;
}

static long plant(struct tracee *tracee)
{
	struct start_block *block = &tracee->block;
	struct inj_regs regs;
	int held = 0;
	long r = inj_resume(tracee->tid, PTRACE_SYSCALL, SIGTRAP | 0x80, &held);

	block->helper = 0;
	block->traced = RT_TRACED | (tracee->request == PTRACE_SYSCALL ? RT_TRACED_CALLS : 0);
	if (!(tracee->flags & TRACEE_SEIZED) && !(tracee->options & PTRACE_O_TRACEEXEC))
		block->traced |= RT_TRAPPED;
	tracee->flags &= ~(uint32_t)TRACEE_CALLS;
	tracee->flags |= TRACEE_MARKED | (block->traced & RT_TRACED_CALLS ? TRACEE_CALLS : 0);
	if (!failed(r))
		r = inj_plant(tracee->tid, rt.bundle, block, &held);
	if (!failed(r))
		r = sys(ptrace, PTRACE_GETREGS, tracee->tid, 0, &regs);
	if (failed(r))
		return r;
	tracee->bundle = regs.rdi;
	tracee->gate = regs.rdi + rt.bundle->gate;
	tracee->size = rt.bundle->regions;
	return sys(ptrace, PTRACE_CONT, tracee->tid, 0, held);
}

/* The execve of a tracee: its bundle is gone. The thread that called it is now the process's first. */
static uint32_t exec_event(struct tracee *tracee, uint32_t stop)
{
	unsigned long from = 0;
	struct tracee *caller = NULL;
	int tid = tracee->tid;
	long r;

	if (!failed(sys(ptrace, PTRACE_GETEVENTMSG, tid, 0, &from)) && (int)from != tid)
		caller = tracee_find((int)from);
	if (caller) {
		*tracee = *caller;
		tracee->tid = tid;
		tracee_drop((int)from);
	}
	tracee->bundle = 0;
	tracee->flags &= ~(uint32_t)(TRACEE_MARKED | TRACEE_OWN_CALL | TRACEE_SIGRETURN);
	if (!(tracee->flags & TRACEE_EXECS))
		return stop;
	r = plant(tracee);
	if (!failed(r) || r == -ESRCH)
		return 0;
	tracee->flags &= ~(uint32_t)TRACEE_EXECS;
	set_options(tracee, tracee->options);
	if (r == -ENOEXEC && rt.bundle->flags & BUNDLE_FOREIGN)
		return tracee->options & PTRACE_O_TRACEEXEC ? stop : run_on(tracee, 0);
	rt_message("killed a traced program into which the runtime could not be put (%ld)", r);
	sys(kill, tid, 9);
	return 0;
}

/* Makes what is shown so. */
static long load_shown(const struct tracee *tracee, const struct tracee_view *view)
{
	struct inj_regs regs = tracee_registers(view, &view->shown);

	return sys(ptrace, PTRACE_SETREGS, tracee->tid, 0, &regs);
}

static uint32_t call_entry(struct tracee *tracee, const struct tracee_view *view, uint32_t stop)
{
	uint32_t *flags = &tracee->flags;
	uint64_t ip = view->real.rip;

	if (view->kind == RT_STOP_ENTRY || view->fast == TRACEE_DIRECT || (view->in_gate && !(*flags & TRACEE_IN_CALL))) {
		*flags |= TRACEE_IN_CALL;
		return stop;
	}
	if (view->kind || view->in_gate)
		return run_on(tracee, 0);
	if (!tracee->bundle || ip - tracee->bundle >= tracee->size)
		return stop;
	*flags |= TRACEE_OWN_CALL;
	if (ip == in_gate(tracee, rt_gate_sigreturn_ip) && *flags & TRACEE_IN_CALL)
		*flags |= TRACEE_SIGRETURN;
	return run_on(tracee, 0);
}

static uint32_t call_exit(struct tracee *tracee, const struct tracee_view *view, uint32_t stop)
{
	uint32_t *flags = &tracee->flags, before = *flags;
	uint64_t ip = view->real.rip;
	bool ends = false;

	*flags &= ~(uint32_t)(TRACEE_OWN_CALL | TRACEE_SIGRETURN);
	if (before & TRACEE_OWN_CALL)
		ends = before & TRACEE_SIGRETURN;
	else if (view->kind)
		ends = view->kind == RT_STOP_EXIT;
	else if (view->fast == TRACEE_DIRECT)
		ends = true;
	else if (view->in_gate)
		ends = view->restarts; /* it will be made again */
	else if (tracee->bundle && (ip - tracee->bundle < tracee->size || view->real.orig_rax == ~0ul))
		ends = false;
	else
		return stop;
	if (!ends || !(before & TRACEE_IN_CALL))
		return run_on(tracee, 0);
	*flags &= ~(uint32_t)TRACEE_IN_CALL;
	return stop;
}

/* A stop with SIGTRAP: that of a system call; of a step, which does not lead into the runtime; or the program's. */
static uint32_t trapped(struct tracee *tracee, const siginfo_t *info, uint32_t stop)
{
	bool steps = tracee->request == PTRACE_SINGLESTEP || tracee->request == PTRACE_SINGLEBLOCK;
	unsigned long message = 0;
	struct tracee_view view;
	uint64_t ip;

	if (failed(tracee_view(tracee, &view)))
		return stop;
	ip = view.real.rip;
	if ((info->si_code == SIGTRAP || info->si_code == (SIGTRAP | 0x80)) && tracee->request == PTRACE_SYSCALL) {
		sys(ptrace, PTRACE_GETEVENTMSG, tracee->tid, 0, &message);
		if (message == PTRACE_EVENTMSG_SYSCALL_ENTRY)
			return call_entry(tracee, &view, stop);
		if (message == PTRACE_EVENTMSG_SYSCALL_EXIT)
			return call_exit(tracee, &view, stop);
	}
	if (steps && view.fast == TRACEE_STUB)
		return run_on(tracee, 0);
	if (steps && view.fast == TRACEE_STUB_DONE) {
		/* From here on by the site's own `syscall`. */
		load_shown(tracee, &view);
		return stop;
	}
	if (!steps || !tracee->bundle || ip - tracee->bundle >= tracee->size)
		return stop;
	/* The kernel takes its own trap flag for the program's after a step over iretq: do without that. */
	if (!view.returns || failed(load_shown(tracee, &view)))
		return run_on(tracee, 0);
	return stop;
}

/* Whether the tracee is a tracer, too, so that its wait may sleep again. */
static bool has_tracees(const struct tracee *tracee)
{
	uint32_t number = 0;

	return failed(tracee_read(tracee->tid, &number, tracee->gate + (uint64_t)((char *)&count - rt_gate_page),
				  sizeof(number))) || number;
}

/* The call is over, as far as the kernel has to do with it. */
static bool over(const struct tracee *tracee, const struct tracee_view *view)
{
	/* The runtime blocks signals in some calls, and this ends it: see rt_unblock. */
	if (view->in_call && !view->in_gate && view->real.orig_rax == __NR_rt_sigprocmask && view->real.rdi == SIG_SETMASK)
		return true;
	if (!view->in_gate || view->restarts || (int64_t)view->real.rax == -EINTR)
		return false;
	return (view->shown.orig_rax != __NR_wait4 && view->shown.orig_rax != __NR_waitid) || !has_tracees(tracee);
}

/* A signal for the tracee. When one comes at the end of a call the kernel shows the exit stop first, while here the
 * runtime has still to do what leads to that: hold the signal back so long. Not so if it ended the call's sleep: it may
 * be blocked afterwards. */
static uint32_t signalled(struct tracee *tracee, const siginfo_t *info, uint32_t stop)
{
	uint32_t *flags = &tracee->flags;
	struct tracee_view view;

	if (*flags & TRACEE_SENT && info->si_signo == tracee->held.si_signo) {
		*flags &= ~(uint32_t)TRACEE_SENT;
		sys(ptrace, PTRACE_SETSIGINFO, tracee->tid, 0, &tracee->held);
		return stop;
	}
	if (*flags & (TRACEE_HOLDS | TRACEE_SENT) || !(*flags & TRACEE_IN_CALL) || tracee->request != PTRACE_SYSCALL ||
	    (SIGBIT(info->si_signo) & RT_FAULTS && info->si_code > 0) || failed(tracee_view(tracee, &view)) ||
	    !over(tracee, &view))
		return stop;
	tracee->held = *info;
	*flags |= TRACEE_HOLDS;
	return run_on(tracee, 0);
}

/* The program resumes the tracee with `sig`: returns what it is to be resumed with. A held signal is due when the exit
 * stop has been shown, or is not going to be. ctx: entry */
int tracee_release(struct tracee *tracee, uint64_t request, int sig)
{
	int held = tracee->held.si_signo;

	if (tracee->flags & TRACEE_EXEC_STOP)
		sig = 0;
	if (!(tracee->flags & TRACEE_HOLDS) || (tracee->flags & TRACEE_IN_CALL && request == PTRACE_SYSCALL))
		return sig;
	tracee->flags &= ~(uint32_t)TRACEE_HOLDS;
	tracee->flags |= TRACEE_SENT;
	if (!sig && !(tracee->flags & TRACEE_IN_CALL))
		return held;
	sys(tkill, tracee->tid, held);
	return sig;
}

static uint32_t classify(struct tracee *tracee, const siginfo_t *info, uint32_t stop)
{
	switch (stop >> 8) {
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		follow(tracee);
		return stop;
	case PTRACE_EVENT_EXEC:
		return exec_event(tracee, stop);
	case PTRACE_EVENT_SECCOMP:
		tracee->flags |= TRACEE_IN_CALL;
		return stop;
	case 0:
		if (stop == SIGSYS)
			return guard_signal(tracee, info);
		if (stop == (SIGTRAP | 0x80) || (stop == SIGTRAP && info->si_code > 0))
			return trapped(tracee, info, stop);
		return signalled(tracee, info, stop);
	default:
		return stop;
	}
}

/* ctx: entry */
uint32_t tracee_stopped(int tid, uint32_t stop)
{
	struct tracee *tracee;
	siginfo_t info;
	long r = sys(ptrace, PTRACE_GETSIGINFO, tid, 0, &info);

	/* Not traced, or by another thread of this process; or, for EINVAL, it is a stop of the whole process. */
	if (failed(r) && r != -EINVAL)
		return stop;
	tracee = meet(tid, stop);
	if (!tracee) {
		if (r != 0 || stop != SIGSYS || info.si_code != SYS_USER_DISPATCH)
			return stop;
		sys(ptrace, PTRACE_CONT, tid, 0, SIGSYS);
		return 0;
	}
	tracee->flags &= ~(uint32_t)TRACEE_SHOWN;
	if (stop >> 8 != PTRACE_EVENT_EXEC)
		tracee_locate(tracee);
	if (!(tracee->flags & TRACEE_MARKED))
		tracee_mark(tracee, RT_TRACED);
	if (r == 0)
		stop = classify(tracee, &info, stop);
	if (stop)
		tracee->flags |= TRACEE_SHOWN;
	return stop;
}
