/*
 * Addresses in the assembly by which the program, a signal or a new task enters the runtime. The lower floors hand
 * these addresses to the kernel, write them into stubs, or compare a thread's instruction pointer with them. No lower
 * floor calls the code there. So the addresses are declared as data, and docs/floors.md shows no arrow to the floor
 * `entry` for them.
 */
#ifndef RT_BASE_ENTRY_POINTS_H
#define RT_BASE_ENTRY_POINTS_H

/* For the kernel: the handler of every signal, and its restorer; where a handler of the guard goes on; the first
 * instruction of a child that shares the memory. */
extern const char rt_signal_entry[], rt_restorer[], rt_guard_entered[], rt_child_entry[];

/* For hooks: the member `forward` of struct k23_api. */
extern const char rt_forward[];

/* For hosted hooks: what the chain calls instead of their functions; where a system call of theirs goes on that the
 * guard has caught; and the members `entered` and `out` of struct k23_world. */
extern const char rt_world_first[], rt_world_entered[], rt_world_called[], rt_world_out[];

/* The first instruction that runs in a new image, and the end of its function. */
extern const char rt_start[], rt_start_end[];

/* For stubs: the three entries of the fast path. */
extern const char rt_fast_dispatch[], rt_fast_direct[], rt_fast_number[];

/* Labels within the fast path, between which x86_64/text/rollback.c tells ranges apart. */
extern const char rt_fast_begin[], rt_fast_guard[], rt_fast_number_moved[], rt_fast_number_tested[],
	rt_fast_number_added[], rt_fast_number_flagged[], rt_fast_number_restored[], rt_fast_number_end[],
	rt_fast_stacked[], rt_fast_switched[], rt_fast_end[];
extern const char rt_gate_direct[], rt_gate_direct_done[], rt_gate_direct_switched[], rt_gate_direct_back[],
	rt_gate_direct_end[];

#endif
