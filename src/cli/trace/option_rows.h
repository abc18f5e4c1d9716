/*
 * What the options of `k23 trace` are called by the code that takes them.
 */
#ifndef CLI_TRACE_OPTION_ROWS_H
#define CLI_TRACE_OPTION_ROWS_H

/* The values of options that have no letter, or whose long form takes an argument that the letter does not take. */
enum {
	TRACE = 0x100,
	SIGNAL,
	STATUS,
	RAW,
	READ,
	WRITE,
	QUIET,
	DECODE_FDS,
	SEPARATE,
	CLOCK,
	RELATIVE,
	DURATIONS,
	HEX,
	FULL,
	BUFFER,
	SECCOMP_BPF,
	DAEMONIZE,
	SUMMARY_ONLY,
	SUMMARY,
	FORMAT,
	INJECT,
	FAULT,
	DECODE_PIDS,
	PIDNS_TRANSLATION,
	ABBREV,
	VERBOSE,
};

#endif
