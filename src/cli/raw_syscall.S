/*
 * raw_syscall for src/inject/ in the command line tool: in the runtime it is the gate.
 */
#include "inject/x86_64/raw_syscall.h"

	.text

	.globl raw_syscall
	.type raw_syscall, @function
raw_syscall:
	.cfi_startproc
	raw_system_call
	ret
	.cfi_endproc
	.size raw_syscall, . - raw_syscall

	.section .note.GNU-stack, "", @progbits
