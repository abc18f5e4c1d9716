/*
 * Keeping the processor's prediction of returns right after a system call.
 *
 * The processor predicts each `ret` by a stack of its own, on which each `call` has put an address. How that stack
 * comes back from the kernel depends on processor and kernel:
 *
 * - full of the kernel's addresses, for example by Linux's "safe RET" against what AMD's Zen 3 and 4 speculate. On Zen
 *   3 the first `ret` that meets one of those takes some 50 ns longer, and each that meets any wrong address some 8
 *   ns. So what is called often has no `ret` right after its system call, and puts addresses of the runtime on that
 *   stack, for the returns that come next (fill_returns). That is how the code here is written.
 * - as it was. Then each `ret` is predicted if each `call` has had its `ret`. An address more on the stack makes every
 *   return further out go wrong, which takes 60 to 90 ns for a call from deep inside a program (Sapphire Rapids). So
 *   `k23 run` replaces what puts one there (paired).
 *
 * `k23 run` finds out which of them it is (cli/returns.h), and then replaces the code in all images of the run.
 */
#ifndef RT_X86_64_RETURNS_H
#define RT_X86_64_RETURNS_H

#include "abi/returns.h"
#include "rt/x86_64/alternative.h"

/* `paired` and `instead_of`: what takes the place of the code that follows where returns are paired. */
.macro paired
	alternative paired
.endm

/* What comes back from a system call does not predict a branch in the cache line that it comes back to, on Sapphire
 * Rapids: a `ret` there takes 5 ns longer than in the next line, and another indirect branch 8 ns. So where returns are
 * paired, the way to there is filled with instructions that do nothing. */
.macro nop5
	.byte	0x0f, 0x1f, 0x44, 0, 0
.endm
.macro nop6
	.byte	0x66, 0x0f, 0x1f, 0x44, 0, 0
.endm
.macro nop9
	.byte	0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0
.endm

/* How many returns of the program are prepared for. On Zen 3 eight take 2 ns, and save some 50 in a call from up to
 * eight functions deep; sixteen take 11 ns. */
#define PROGRAMS_RETURNS 8

/* fill_returns, and nothing where returns are paired. */
.macro fill_unless_paired count
	paired
	.byte	0xeb, 776f - 775f - 2	/* jmp 776f */
	instead_of
	fill_returns \count
776:
.endm

#endif
