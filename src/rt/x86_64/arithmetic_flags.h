/*
 * Loads flags without popfq, which takes several times as long, and by which the program would be lost to a debugger
 * that steps here: the kernel takes the trap flag that it has set itself for one of the program's after that.
 */
#ifndef RT_ARITHMETIC_FLAGS_H
#define RT_ARITHMETIC_FLAGS_H

#define EFLAGS_ARITHMETIC 0x8d5	/* CF PF AF ZF SF OF */
#define EFLAGS_OF_BIT 11

/* in: %edx flags.   out: those that arithmetic sets are loaded.   clobbers: %eax. */
.macro load_arithmetic_flags
	bt	$EFLAGS_OF_BIT, %edx
	setc	%al
	mov	%dl, %ah
	add	$0x7f, %al		/* sets OF if %al is 1 */
	sahf
.endm

#endif
