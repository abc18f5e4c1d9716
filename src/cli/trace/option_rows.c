/*
 * The options of `k23 trace`, and those of them that `k23 record` and `k23 show` have, too.
 */
#include "cli/trace/option_rows.h"

#include <stddef.h>

#include "cli/trace/options.h"
#include "cli/trace/summary.h"

const struct option_row trace_line_options[] = {
	{ NULL, 0, NULL, "Which calls", 0, NULL },
	{ "expr", 'e', "EXPR",
	  "QUALIFIER=SET, or a SET of calls. Qualifiers: trace,\n"
	  "signal, status, raw, read, write, quiet, decode-fds,\ninject, fault", 0, NULL },
	{ "trace", 0, "SET",
	  "only these calls: names, sets like %file, /REGEX; ?NAME\n"
	  "need not exist; after !, all but these; all, none", TRACE, NULL },
	{ "calls", 0, "SET", NULL, TRACE, NULL },
	{ "signal", 0, "SET", "only these signals", SIGNAL, NULL },
	{ "signals", 0, "SET", NULL, SIGNAL, NULL },
	{ "trace-path", 'P', "PATH", "only calls that take this path, or a descriptor open on it", 0, NULL },
	{ "status", 0, "SET",
	  "only calls that end so: successful, failed, unfinished,\nunavailable, detached", STATUS, NULL },
	{ "successful-only", 'z', NULL, "only calls that succeed", 0, NULL },
	{ "failed-only", 'Z', NULL, "only calls that fail", 0, NULL },
	{ "failing-only", 0, NULL, NULL, 'Z', NULL },

	{ NULL, 0, NULL, "Where the lines go", 0, NULL },
	{ "output", 'o', "FILE|'|COMMAND'|'!COMMAND'", "to FILE, or to COMMAND, not to stderr", 0, NULL },
	{ "output-append-mode", 'A', NULL, "append to FILE", 0, NULL },
	{ "format", 0, "text|json|perfetto", "how: in the manner of strace (default), a line of JSON for\n"
	  "each event, k23-trace-json(5), or a trace for Perfetto", FORMAT, NULL },
	{ "output-separately", 0, NULL, "a file for each thread: FILE.ID (also -ff)", SEPARATE, NULL },
	{ "follow-forks", 'f', NULL, "children, too: k23 does so in any case", 0, NULL },
	{ NULL, 'F', NULL, NULL, 'f', NULL },

	{ NULL, 0, NULL, "What lines show", 0, NULL },
	{ "absolute-timestamps", 0, "[[format:]FORMAT[,[precision:]PRECISION]]",
	  "the time of day: none, time or unix; s, ms, us or ns", CLOCK, NULL },
	{ "timestamps", 0, "[[format:]FORMAT[,[precision:]PRECISION]]", NULL, CLOCK, NULL },
	{ NULL, 't', NULL, "the time of day; -tt to the microsecond, -ttt in seconds\nsince 1970", 0, NULL },
	{ "relative-timestamps", 0, "[PRECISION]",
	  "the time since the line before: s, ms, us (default) or ns", RELATIVE, NULL },
	{ NULL, 'r', NULL, "the same, to the microsecond", 0, NULL },
	{ "syscall-times", 0, "[PRECISION]", "how long each call took: s, ms, us (default) or ns", DURATIONS, NULL },
	{ "durations", 0, NULL, NULL, 'T', NULL },
	{ NULL, 'T', NULL, "the same, to the microsecond", 0, NULL },
	{ "syscall-number", 'n', NULL, "the numbers of calls", 0, NULL },
	{ "instruction-pointer", 'i', NULL, "where each call was made", 0, NULL },
	{ "stack-traces", 'k', NULL, "the stack of each call, with symbols", 0, NULL },
	{ "columns", 'a', "COLUMN", "where results begin (40)", 0, NULL },
	{ "string-limit", 's', "SIZE", "how much of strings and buffers (32)", 0, NULL },
	{ "string", 0, "SIZE", NULL, 's', NULL },
	{ "no-abbrev", 'v', NULL, "structures, environments and lists as a whole", 0, NULL },
	{ "abbrev", 0, "SET", "the same, but for these calls, named as for --trace", ABBREV, NULL },
	{ "verbose", 0, "SET", "only addresses, but for these calls (all)", VERBOSE, NULL },
	{ "strings-in-hex", 0, "[none|non-ascii-chars|non-ascii|all]",
	  "strings in hexadecimal (all), or what is escaped in them", HEX, NULL },
	{ NULL, 'x', NULL, "strings that are no text in hexadecimal; -xx all strings", 0, NULL },
	{ "const-print-style", 'X', "raw|abbrev|verbose", "constants as numbers, names (default), or both", 0, NULL },
	{ "raw", 0, "SET", "numbers alone for these calls, named as for --trace", RAW, NULL },
	{ "decode-fds", 0, "[SET]", "what descriptors stand for: path, dev, pidfd, socket,\nall", DECODE_FDS, NULL },
	{ NULL, 'y', NULL, "the paths of descriptors; -yy also sockets, devices, pidfds", 0, NULL },
	{ "decode-pids", 0, "[SET]", "of processes behind their ids: their names (comm), what\n"
	  "ids of other PID namespaces are in k23's (pidns), all", DECODE_PIDS, NULL },
	{ NULL, 'Y', NULL, "the names of processes behind their ids", 0, NULL },
	{ "pidns-translation", 0, NULL, NULL, PIDNS_TRANSLATION, NULL },
	{ "read", 0, "SET", "all that is read from these descriptors, in hexadecimal", READ, NULL },
	{ "write", 0, "SET", "all that is written to these descriptors, in hexadecimal", WRITE, NULL },
	{ "quiet", 0, "[SET]",
	  "do not say: attach, exit, path-resolution, personality,\n"
	  "thread-execve, verdict (that nothing is missing), all", QUIET, NULL },
	{ "silent", 0, "[SET]", NULL, QUIET, NULL },
	{ "silence", 0, "[SET]", NULL, QUIET, NULL },
	{ NULL, 'q', NULL, "do not say which processes come; -qq nor how they end;\n-qqq nothing", 0, NULL },

	{ NULL, 0, NULL, "A table at the end", 0, NULL },
	{ "summary-only", 'c', NULL, "count calls, errors and time, and print no lines", 0, NULL },
	{ "summary", 'C', NULL, "the same, and the lines", 0, NULL },
	{ "summary-sort-by", 'S', SUMMARY_ORDERS, "how the table is sorted (time)", 0, NULL },
	{ "summary-columns", 'U', "COLUMNS",
	  "a list of time-percent, total-time, min-time, max-time,\navg-time, calls, errors, name", 0, NULL },
	{ "summary-wall-clock", 'w', NULL, "the time from call to return: k23 does so in any case", 0, NULL },

	{ "kvm", 0, "vcpu", "", TRACE, "strace shows why a KVM processor stopped, k23 does not" },
	{ "debug", 'd', NULL, "", 0, "strace prints what it does itself, k23 does not" },
	{ "secontext", 0, "[FORMAT]", "", TRACE, "k23 does not show contexts of SELinux" },
	{ "tips", 0, "[FORMAT]", "", TRACE, "strace has tips, k23 has its manual page" },
	{ "summary-syscall-overhead", 'O', "TIME", "", 0, "k23's times have no tracer's time in them" },
	{ 0 },
};

const struct option_row trace_run_options[] = {
	{ NULL, 0, NULL, "Which processes", 0, NULL },
	{ "detach-on", 'b', "execve", "programs that are executed run untraced", 0, NULL },

	{ NULL, 0, NULL, "Tampering", 0, NULL },
	{ "inject", 0, "RULE",
	  "make calls fail, or tamper with them otherwise: see\n"
	  "k23-inject(1); RULE is SET[:error=ERROR][:retval=VALUE]\n"
	  "[:signal=SIGNAL][:delay_enter=TIME][:when=OCCURRENCES]...", INJECT, NULL },
	{ "fault", 0, "RULE", "the same, with error=ENOSYS unless another is given", FAULT, NULL },

	{ NULL, 0, NULL, "Speed", 0, NULL },
	{ "full", 0, "block|drop",
	  "when calls come faster than lines can be written: let the\n"
	  "program wait (default), or drop calls and tell how many", FULL, NULL },
	{ "buffer", 0, "SIZE[k|M|G]", "how much is kept for the lines to be written (8M)", BUFFER, NULL },
	{ "seccomp-bpf", 0, NULL, "not needed: calls that are not asked for cost little", SECCOMP_BPF, NULL },

	{ NULL, 0, NULL, "The program's surrounding", 0, NULL },
	{ "env", 'E', "NAME[=VALUE]", "set or remove a variable of the environment", 0, NULL },
	{ "user", 'u', "USER", "run the program as this user", 0, NULL },
	{ NULL, 'D', NULL, "not needed: k23 is no tracer that the program could notice", 0, NULL },
	{ "daemonize", 0, "[grandchild|pgroup|session]", NULL, DAEMONIZE, NULL },
	{ "daemonised", 0, "[grandchild|pgroup|session]", NULL, DAEMONIZE, NULL },
	{ "daemonized", 0, "[grandchild|pgroup|session]", NULL, DAEMONIZE, NULL },
	{ "interruptible", 'I', "1|2|3|4|WORD", "not needed: signals are passed on to the program", 0, NULL },
	{ "version", 'V', NULL, "say which version this is", 0, NULL },

	{ "attach", 'p', "PID", "", 0, "attaching to a process that runs already is not there yet" },
	{ 0 },
};

const struct option_row trace_record_options[] = {
	{ NULL, 0, NULL, "What is recorded", 0, NULL },
	{ "expr", 'e', "EXPR", "a SET of calls, or trace=SET, read=SET, write=SET", 0, NULL },
	{ "trace", 0, "SET", "only these calls, as for `k23 trace`", TRACE, NULL },
	{ "string-limit", 's', "SIZE", "how much of strings and buffers (32)", 0, NULL },
	{ "no-abbrev", 'v', NULL, "structures, environments and lists as a whole", 0, NULL },
	{ NULL, 'y', NULL, "the paths of descriptors, which -y and -P of `k23 show` need", 0, NULL },
	{ "stack-traces", 'k', NULL, "the stack of each call, which -k of `k23 show` needs", 0, NULL },
	{ "read", 0, "SET", "all that is read from these descriptors", READ, NULL },
	{ "write", 0, "SET", "all that is written to these descriptors", WRITE, NULL },

	{ NULL, 0, NULL, "The program's surrounding", 0, NULL },
	{ "env", 'E', "NAME[=VALUE]", "set or remove a variable of the environment", 0, NULL },
	{ "user", 'u', "USER", "run the program as this user", 0, NULL },
	{ 0 },
};
