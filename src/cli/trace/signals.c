#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/trace/format.h"
#include "cli/trace/signals.h"

/* Whether the kernel ends a process that does not handle the signal. */
static bool is_fatal(int sig)
{
	return sig != SIGCHLD && sig != SIGURG && sig != SIGWINCH && sig != SIGCONT && sig != SIGTSTP &&
	       sig != SIGTTIN && sig != SIGTTOU;
}

/* What the hook leaves open in the SIGCHLD of a child that has just been waited for. */
static void fill_sigchld(siginfo_t *info, int status)
{
	info->si_code = WIFEXITED(status) ? CLD_EXITED : WCOREDUMP(status) ? CLD_DUMPED : CLD_KILLED;
	info->si_status = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
}

void trace_on_signal(struct trace_log *log, struct task *task)
{
	struct k23_ring_signal record;
	siginfo_t info;
	int sig;

	if (task->record.size < sizeof(record))
		return;
	memcpy(&record, task->record.data, sizeof(record));
	memcpy(&info, record.info, sizeof(info));
	sig = info.si_signo;
	if (sig == SIGCHLD && !record.handled)
		fill_sigchld(&info, task->reaped);
	if (sig < 1 || sig > 64)
		return;
	if (log->options->style.signals >> (sig - 1) & 1)
		TRACE_TELL(signal, log, task, record.time, &info);
	if (!record.handled && is_fatal(sig)) {
		task->process->fate = FATE_KILLED;
		task->process->status = sig;
		task->process->ended = record.time;
	}
}
