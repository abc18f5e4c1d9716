/*
 * ptrace. A tracee that is under k23 is shown with the registers of its program: see rt/tracer/ptraced.h.
 *
 * What differs: a single step over a system call goes through the runtime, some hundreds of instructions, before it is
 * reported. When a call has begun, registers that are set take effect when it ends; in a stop for a signal that
 * interrupted it they do at once, and the call is over. exit and exit_group are the runtime's own calls, so they make
 * no PTRACE_EVENT_SECCOMP. Requests made by int $0x80 are not looked at.
 *
 * ctx: entry, for all here.
 */
#include <asm/errno.h>
#include <asm/prctl.h>
#include <linux/elf.h>
#include <linux/ptrace.h>
#include <linux/uio.h>

#include "core/string.h"
#include "rt/base/copy.h"
#include "rt/base/gate.h"
#include "rt/guard/guard.h"
#include "rt/special/special.h"
#include "rt/special/tracing.h"
#include "rt/tracer/masks.h"
#include "rt/tracer/step.h"
#include "rt/tracer/stops.h"
#include "rt/tracer/view.h"
#include "rt/x86_64/base/gs.h"

#define REGISTERS sizeof(struct core_user_regs)

/* The arguments of ptrace. */
static uint64_t request_of(const struct k23_call *call)
{
	return call->args[0];
}

static int tid_of(const struct k23_call *call)
{
	return (int)call->args[1];
}

static uint64_t address_of(const struct k23_call *call)
{
	return call->args[2];
}

static uint64_t data_of(const struct k23_call *call)
{
	return call->args[3];
}

/* The tracer of a vfork child would be its parent, which does not run until the child's execve, and so could not
 * let the child pass its guard. Such a child is traced from its execve on. Before that, only a signal shows a
 * difference. */
static long trace_me(struct rt_thread *thread, struct k23_call *call)
{
	long r;

	if (thread->vforked) {
		if (thread->sighand->traceme)
			return -EPERM;
		thread->sighand->traceme = 1;
		return 0;
	}
	r = rt_gate_program(call, thread);
	if (!failed(r))
		rt.ptraced |= RT_PTRACED; /* if the parent is not under k23, execve will find out */
	return r;
}

static long attach(struct rt_thread *thread, struct k23_call *call)
{
	struct tracee *tracee;
	long r = rt_gate_program(call, thread);

	if (failed(r))
		return r;
	tracee_drop(tid_of(call));
	tracee = tracee_adopt(tid_of(call));
	if (tracee && request_of(call) == PTRACE_SEIZE) {
		tracee->flags |= TRACEE_SEIZED;
		tracee->options = (uint32_t)data_of(call);
	}
	return r;
}

static long set_options(struct rt_thread *thread, struct k23_call *call)
{
	struct tracee *tracee;
	long r = rt_gate_program(call, thread);

	if (!failed(r)) {
		tracee = tracee_adopt(tid_of(call));
		if (tracee)
			tracee->options = (uint32_t)data_of(call);
	}
	return r;
}

/* The program takes its tracee to be running when the tracee is in a stop that the program was not shown. */
static bool runs(const struct tracee *tracee)
{
	return !(tracee->flags & TRACEE_SHOWN) && tracee_at_guard(tracee->tid);
}

static long resume(struct rt_thread *thread, struct k23_call *call)
{
	struct tracee *tracee = tracee_adopt(tid_of(call));
	struct k23_call own = *call;
	uint32_t before;
	long r;

	if (!tracee)
		return rt_gate_program(call, thread);
	if (runs(tracee))
		return -ESRCH;
	tracee_locate(tracee);
	if (tracee_shows_calls(request_of(call)) && !(tracee->flags & TRACEE_CALLS))
		tracee_mark(tracee, RT_PTRACED | RT_PTRACED_CALLS);
	if (tracee->flags & TRACEE_SKIPS)
		tracee_skip_call(tracee);
	before = tracee->request;
	tracee->request = (uint32_t)request_of(call);
	if (tracee->request == PTRACE_CONT)
		tracee->flags &= ~(uint32_t)TRACEE_IN_CALL; /* its exit stop will not be shown */
	if (tracee->request != PTRACE_SYSEMU_SINGLESTEP)
		tracee->flags &= ~(uint32_t)TRACEE_CAUGHT;
	own.args[0] = tracee_request(tracee);
	own.args[3] = (uint64_t)tracee_release(tracee, request_of(call), (int)data_of(call));
	tracee_prepare_step(tracee, own.args[0], (int)own.args[3]);
	r = rt_gate_program(&own, thread);
	if (failed(r)) {
		tracee->request = before;
		if (r == -ESRCH && !(tracee->flags & TRACEE_SHOWN))
			tracee_drop(tid_of(call));
		return r;
	}
	tracee->flags &= ~(uint32_t)(TRACEE_SHOWN | TRACEE_EXEC_STOP | TRACEE_SKIPS | TRACEE_SEEN | TRACEE_TOLD);
	if (own.args[0] != PTRACE_SYSCALL)
		tracee->flags &= ~(uint32_t)(TRACEE_OWN_CALL | TRACEE_SIGRETURN);
	return r;
}

static long detach(struct rt_thread *thread, struct k23_call *call)
{
	struct tracee *tracee = tracee_find(tid_of(call));
	struct k23_call own = *call;
	long r;

	if (!tracee)
		return rt_gate_program(call, thread);
	if (runs(tracee))
		return -ESRCH;
	if (tracee->flags & TRACEE_MARKED)
		tracee_mark(tracee, 0);
	if (tracee->flags & TRACEE_SKIPS)
		tracee_skip_call(tracee);
	own.args[3] = (uint64_t)tracee_release(tracee, PTRACE_DETACH, (int)data_of(call));
	r = rt_gate_program(&own, thread);
	if (!failed(r))
		tracee_drop(tid_of(call));
	return r;
}

/* The part of the registers that a request is about: its size, or 0 if the kernel can serve the request. */
static size_t span(struct k23_call *call, uint64_t *memory, size_t *offset)
{
	struct iovec vector;

	*offset = 0;
	*memory = data_of(call);
	switch (request_of(call)) {
	case PTRACE_GETREGS:
	case PTRACE_SETREGS:
		return REGISTERS;
	case PTRACE_PEEKUSR:
	case PTRACE_POKEUSR:
		*offset = address_of(call);
		return *offset < REGISTERS && *offset % 8 == 0 ? 8 : 0;
	default:
		if (address_of(call) != NT_PRSTATUS ||
		    failed(rt_copy_from(&vector, data_of(call), sizeof(vector))) || vector.iov_len % 8)
			return 0;
		*memory = (uint64_t)vector.iov_base;
		return vector.iov_len < REGISTERS ? vector.iov_len : REGISTERS;
	}
}

static long registers(struct rt_thread *thread, struct k23_call *call)
{
	struct tracee *tracee = tracee_find(tid_of(call));
	struct tracee_view view;
	struct core_user_regs regs;
	uint64_t memory, request = request_of(call);
	size_t offset, size;
	long r;

	if (!tracee || failed(tracee_view(tracee, &view)) || memcmp(&view.real, &view.shown, sizeof(regs)) == 0)
		return rt_gate_program(call, thread);
	size = span(call, &memory, &offset);
	if (!size)
		return rt_gate_program(call, thread);
	regs = view.shown;
	if (request == PTRACE_POKEUSR) {
		memcpy((char *)&regs + offset, &memory, 8);
		return tracee_set_registers(tracee, &view, &regs);
	}
	if (request == PTRACE_SETREGS || request == PTRACE_SETREGSET) {
		r = rt_copy_from(&regs, memory, size);
		return failed(r) ? r : tracee_set_registers(tracee, &view, &regs);
	}
	r = rt_copy_to(memory, (char *)&regs + offset, size);
	if (!failed(r) && request == PTRACE_GETREGSET)
		r = rt_copy_to(data_of(call) + offsetof(struct iovec, iov_len), &size, sizeof(size));
	return r;
}

/* The kernel tells the kind of the stop. The call is told by the registers that the program is shown. */
static long syscall_info(struct rt_thread *thread, struct k23_call *call)
{
	struct tracee *tracee = tracee_find(tid_of(call));
	struct ptrace_syscall_info info;
	struct tracee_view view;
	uint64_t size = address_of(call);
	long r;

	if (!tracee || failed(tracee_view(tracee, &view)) || !view.thread)
		return rt_gate_program(call, thread);
	memset(&info, 0, sizeof(info));
	r = rt_gate_forward(thread, call->nr, call->args[0], call->args[1], sizeof(info), (uint64_t)&info, 0, 0);
	if (failed(r))
		return r;
	tracee_describe_stop(&view, &info);
	size = size < (uint64_t)r ? size : (uint64_t)r;
	return size && failed(rt_copy_to(data_of(call), &info, size)) ? -EFAULT : r;
}

/* The call that a tracee is about to make, or its result. A kernel that does not know the request says EIO. */
static long set_syscall_info(struct rt_thread *thread, struct k23_call *call)
{
	struct tracee *tracee = tracee_find(tid_of(call));
	struct ptrace_syscall_info wanted, info;
	struct core_user_regs regs;
	struct tracee_view view;
	long r;

	if (!tracee || failed(tracee_view(tracee, &view)) || !view.thread || address_of(call) < sizeof(wanted))
		return rt_gate_program(call, thread);
	r = rt_gate_forward(thread, call->nr, call->args[0], call->args[1], 0, 0, 0, 0);
	if (r != -EINVAL)
		return r;
	if (failed(rt_copy_from(&wanted, data_of(call), sizeof(wanted))))
		return -EFAULT;
	r = rt_gate_forward(thread, call->nr, PTRACE_GET_SYSCALL_INFO, call->args[1], sizeof(info), (uint64_t)&info, 0,
			    0);
	if (failed(r))
		return r;
	/* What lies between op and arch: flags, which do not exist yet. */
	if (wanted.op != info.op || wanted.pad[0] || wanted.pad[1] || wanted.pad[2])
		return -EINVAL;
	r = tracee_call_registers(&view, &wanted, &regs);
	return failed(r) ? r : tracee_set_registers(tracee, &view, &regs);
}

/* The kernel's struct ptrace_sud_config. */
struct dispatch_config {
	uint64_t mode, selector, start, size;
};

/* The kernel's dispatch of the tracee is its guard: the program sees and sets the one that the tracee asked for
 * itself. */
static long dispatch_config(struct rt_thread *thread, struct k23_call *call)
{
	struct tracee *tracee = tracee_adopt(tid_of(call));
	struct dispatch_config config;
	struct rt_dispatch_request request;
	uint64_t address;
	long r;

	/* Whether this is a tracee, and stopped, is the kernel's to say. */
	r = rt_gate_forward(thread, call->nr, PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, call->args[1], sizeof(config),
			    (uint64_t)&config, 0, 0);
	if (failed(r) || !tracee)
		return r;
	tracee_locate(tracee);
	address = tracee_thread(tracee);
	if (!address)
		return tracee->bundle ? -EIO : rt_gate_program(call, thread);
	address += offsetof(struct rt_thread, dispatch);
	if (address_of(call) != sizeof(config))
		return -EINVAL;
	r = tracee_read(tracee->tid, &request, address, sizeof(request));
	if (failed(r))
		return r;
	if (request_of(call) == PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG) {
		config = (struct dispatch_config){ request.on, request.selector, request.start, request.size };
		return rt_copy_to(data_of(call), &config, sizeof(config));
	}
	if (failed(rt_copy_from(&config, data_of(call), sizeof(config))))
		return -EFAULT;
	r = rt_guard_request(&request, config.mode, config.start, config.size, config.selector);
	if (!failed(r))
		r = tracee_write(tracee->tid, address, &request, sizeof(request));
	if (failed(r))
		return r;
	tracee->flags |= TRACEE_DISPATCHES;
	tracee_mark(tracee, RT_PTRACED | (tracee->flags & TRACEE_CALLS ? RT_PTRACED_CALLS : 0));
	return 0;
}

/* What the program asks of a stop that it was shown as another than it is: as that of an execve, which really is a
 * signal of the runtime's, or as that of a step, which may have been that of a call. */
static long other_stop(struct rt_thread *thread, struct k23_call *call)
{
	struct tracee *tracee = tracee_find(tid_of(call));
	siginfo_t info;

	if (tracee && request_of(call) == PTRACE_GETEVENTMSG &&
	    (tracee_in_signal_stop(tracee) || tracee->flags & TRACEE_TO_HANDLER)) {
		static const uint64_t none;

		return rt_copy_to(data_of(call), &none, sizeof(none));
	}
	if (!tracee || !(tracee->flags & TRACEE_EXEC_STOP))
		return rt_gate_program(call, thread);
	if (request_of(call) == PTRACE_GETEVENTMSG) {
		uint64_t message = (uint64_t)tracee->exec_from;

		return rt_copy_to(data_of(call), &message, sizeof(message));
	}
	memset(&info, 0, sizeof(info));
	info.si_signo = SIGTRAP;
	info.si_code = SIGTRAP | PTRACE_EVENT_EXEC << 8;
	info.si_pid = tracee->tid;
	info.si_uid = (uint32_t)sys(getuid);
	return rt_copy_to(data_of(call), &info, sizeof(info));
}

/* The base of %gs that the tracee's program has not set is shown as 0. */
static long segment_base(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t to = call->args[2], base;
	long r = rt_gate_program(call, thread);

	if (r || (int)data_of(call) != ARCH_GET_GS)
		return r;
	r = rt_copy_from(&base, to, sizeof(base));
	if (failed(r) || !rt_gs_ours(base))
		return r;
	base = 0;
	return rt_copy_to(to, &base, sizeof(base));
}

static long signal_mask(struct rt_thread *thread, struct k23_call *call)
{
	struct tracee *tracee = tracee_find(tid_of(call));
	struct tracee_masks masks;
	uint64_t mask;

	if (!tracee || address_of(call) != sizeof(mask) || failed(tracee_masks(tracee, &masks)) || !masks.thread)
		return rt_gate_program(call, thread);
	if (request_of(call) == PTRACE_GETSIGMASK)
		return rt_copy_to(data_of(call), &masks.program, sizeof(masks.program));
	if (failed(rt_copy_from(&mask, data_of(call), sizeof(mask))))
		return -EFAULT;
	return tracee_set_mask(tracee, &masks, mask & ~(SIGBIT(SIGKILL) | SIGBIT(SIGSTOP)));
}

static long make_request(struct rt_thread *thread, struct k23_call *call)
{
	switch (request_of(call)) {
	case PTRACE_TRACEME:
		return trace_me(thread, call);
	case PTRACE_ATTACH:
	case PTRACE_SEIZE:
		return attach(thread, call);
	case PTRACE_SETOPTIONS:
	case PTRACE_OLDSETOPTIONS:
		return set_options(thread, call);
	case PTRACE_CONT:
	case PTRACE_SYSCALL:
	case PTRACE_SINGLESTEP:
	case PTRACE_SINGLEBLOCK:
	case PTRACE_SYSEMU:
	case PTRACE_SYSEMU_SINGLESTEP:
		return resume(thread, call);
	case PTRACE_DETACH:
		return detach(thread, call);
	case PTRACE_GETREGS:
	case PTRACE_SETREGS:
	case PTRACE_PEEKUSR:
	case PTRACE_POKEUSR:
	case PTRACE_GETREGSET:
	case PTRACE_SETREGSET:
		return registers(thread, call);
	case PTRACE_ARCH_PRCTL:
		return segment_base(thread, call);
	case PTRACE_GET_SYSCALL_INFO:
		return syscall_info(thread, call);
	case PTRACE_SET_SYSCALL_INFO:
		return set_syscall_info(thread, call);
	case PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG:
	case PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG:
		return dispatch_config(thread, call);
	case PTRACE_GETSIGMASK:
	case PTRACE_SETSIGMASK:
		return signal_mask(thread, call);
	case PTRACE_GETSIGINFO:
	case PTRACE_GETEVENTMSG:
		return other_stop(thread, call);
	default:
		return rt_gate_program(call, thread);
	}
}

long special_ptrace(struct rt_thread *thread, struct k23_call *call)
{
	long r;

	tracing_begin(thread);
	r = make_request(thread, call);
	tracing_end(thread);
	return r;
}
