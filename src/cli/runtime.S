/*
 * The runtime's ELF file, as the command line tool carries it.
 */
	.section .rodata
	.balign 4096
	.globl runtime_elf
runtime_elf:
	.incbin RUNTIME_ELF
	.globl runtime_elf_end
runtime_elf_end:

	.section .note.GNU-stack, "", @progbits
