/*
 * The dispositions of signals: what the program sets is kept here, and the kernel is told what the runtime needs. It
 * knows one handler, the runtime's entry, on the runtime's signal stack.
 */
#ifndef RT_SIGNAL_ACTION_H
#define RT_SIGNAL_ACTION_H

#include "rt/base/thread.h"

/* Makes an action that enters the runtime, with some of the program's flags. ctx: any */
void rt_action_of_runtime(struct rt_sigaction *action, uint64_t flags);
/* Whether faults enter the runtime: so that a crash of a hook is reported, and where the fast path's way to the thread
 * may be missing (x86_64/base/gs.h). ctx: any */
bool rt_faults_enter(void);
/* Makes SIGSYS, and the faults if the runtime may have to see to them, enter the runtime.
 * ctx: boot | entry, signals blocked */
long rt_actions_install(void) must_check;
/* Tells the kernel of all actions again: the table may have changed while a fork copied it. ctx: entry, signals
 * blocked */
long rt_actions_reinstall(struct rt_thread *thread) must_check;
/* From now on a signal enters the runtime, whatever the program does with it, or no longer: SIGTRAP or SIGCHLD.
 * ctx: entry | sigsys, signals blocked */
long rt_action_enter(struct rt_thread *thread, int sig, bool enters) must_check;
/* What was set before: by the program, or before its execve. ctx: entry | sigsys; locked */
void rt_action_current(struct rt_sighand *sighand, int sig, struct rt_sigaction *action);
/* What the kernel is to have for an action of the program. ctx: any */
struct rt_sigaction rt_action_of_kernel(int sig, const struct rt_sigaction *action);
/* Tells the kernel which of those signals the program ignores, as an execve keeps that. over: the execve has failed.
 * ctx: entry */
void rt_actions_exec(struct rt_thread *thread, bool over);
/* Sets an action, of a signal that can have one, and gives the old one; either may be NULL. A signal that comes before
 * ends it with -K23_ERESTART. Where the program has filters, they have judged the call, and signals are blocked.
 * ctx: entry */
long rt_action_set(struct rt_thread *thread, int sig, const struct rt_sigaction *wanted, struct rt_sigaction *old);
/* The action of a signal for which the kernel has just entered the runtime: what the kernel decided when it took the
 * signal from its queue counts, and not what the program, or another thread, sets meanwhile. SA_RESETHAND resets it.
 * ip: where the thread was; uc: in the kernel's frame. ctx: sigsys */
struct rt_sigaction rt_action_take(struct rt_thread *thread, int sig, uint64_t ip, const struct ucontext *uc);
/* The action of a signal that the runtime raises itself, as the kernel would. ctx: entry | sigsys */
struct rt_sigaction rt_action_force(struct rt_thread *thread, int sig);

#endif
