/*
 * Addresses in the assembly by which the program, a signal or a new task enters the runtime. Floors below hand them to the
 * kernel, write them into stubs, or compare a thread's instruction pointer with them. None of them calls what is there, so
 * they are declared as data; that is no arrow from a lower floor to `entry`.
 */
#ifndef RT_BASE_ENTRY_POINTS_H
#define RT_BASE_ENTRY_POINTS_H

/* For the kernel: the handler of every signal, and its restorer; where a child that shares the memory begins. */
extern const char rt_signal_entry[], rt_restorer[], rt_child_entry[];

/* For hooks: struct k23_api's forward. */
extern const char rt_forward[];

/* The first instruction in a new image, and the end of what it leads to. */
extern const char rt_start[], rt_start_end[];

/* For stubs. */
extern const char rt_fast_dispatch[], rt_fast_direct[], rt_fast_number[];

/* Within the fast path: x86_64/text/rollback.c. */
extern const char rt_fast_begin[], rt_fast_guard[], rt_fast_number_moved[], rt_fast_number_tested[],
	rt_fast_number_added[], rt_fast_number_flagged[], rt_fast_number_restored[], rt_fast_number_end[],
	rt_fast_switched[], rt_fast_kept[], rt_fast_end[];
extern const char rt_gate_direct[], rt_gate_direct_done[], rt_gate_direct_switched[], rt_gate_direct_back[],
	rt_gate_direct_end[];

#endif
