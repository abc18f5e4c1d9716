/*
 * Offsets for the assembly, taken from the structs. The build compiles this file to assembly only, and makes offsets.h
 * of the marked lines.
 */
#include <linux/mman.h>

#include "rt/base/chain.h"
#include "rt/base/filters.h"
#include "rt/base/thread.h"

#define OFFSET(name, type, member) \
	__asm__ volatile("\n.ascii \"@OFFSET " #name " %c0\"" : : "i"(offsetof(type, member)))
#define VALUE(name, value) __asm__ volatile("\n.ascii \"@OFFSET " #name " %c0\"" : : "i"(value))

/* The distance from the base of %gs to the thread block. */
#define GS_THREAD_OFFSET (RT_REGION_SIZE - RT_GS_TAG - sizeof(struct rt_thread))

/* REGS_RAX and so on are offsets in a struct rt_thread, and also in the registers of a ucontext. */
_Static_assert(offsetof(struct rt_thread, regs) == 0, "a thread begins with its registers");

void offsets(void);
void offsets(void)
{
	OFFSET(CALL_NR, struct k23_call, nr);
	OFFSET(CALL_ARGS, struct k23_call, args);
	OFFSET(CALL_IP, struct k23_call, ip);
	OFFSET(CALL_SP, struct k23_call, sp);
	OFFSET(CALL_ARCH, struct k23_call, arch);
	OFFSET(CALL_NEXT, struct k23_call, next);
	OFFSET(CALL_WAY, struct k23_call, way);
	OFFSET(CHAIN_WHO, struct rt_chain, who);
	OFFSET(CHAIN_FIRST, struct rt_chain, first);
	OFFSET(THREAD_CALL, struct rt_thread, call);
	OFFSET(THREAD_CALLBACK, struct rt_thread, callback);
	OFFSET(THREAD_FILTERS, struct rt_thread, filters);
	OFFSET(THREAD_IN_CALL, struct rt_thread, in_call);
	OFFSET(THREAD_SIGNALS, struct rt_thread, signals);
	OFFSET(THREAD_STACK_TOP, struct rt_thread, stack_top);
	OFFSET(REGS_R8, struct rt_thread, regs.r8);
	OFFSET(REGS_R9, struct rt_thread, regs.r9);
	OFFSET(REGS_R10, struct rt_thread, regs.r10);
	OFFSET(REGS_R11, struct rt_thread, regs.r11);
	OFFSET(REGS_R12, struct rt_thread, regs.r12);
	OFFSET(REGS_R13, struct rt_thread, regs.r13);
	OFFSET(REGS_R14, struct rt_thread, regs.r14);
	OFFSET(REGS_R15, struct rt_thread, regs.r15);
	OFFSET(REGS_RDI, struct rt_thread, regs.rdi);
	OFFSET(REGS_RSI, struct rt_thread, regs.rsi);
	OFFSET(REGS_RBP, struct rt_thread, regs.rbp);
	OFFSET(REGS_RBX, struct rt_thread, regs.rbx);
	OFFSET(REGS_RDX, struct rt_thread, regs.rdx);
	OFFSET(REGS_RAX, struct rt_thread, regs.rax);
	OFFSET(REGS_RCX, struct rt_thread, regs.rcx);
	OFFSET(REGS_RSP, struct rt_thread, regs.rsp);
	OFFSET(REGS_RIP, struct rt_thread, regs.rip);
	OFFSET(REGS_EFLAGS, struct rt_thread, regs.eflags);
	OFFSET(REGS_CS, struct rt_thread, regs.cs);
	OFFSET(REGS_SS, struct rt_thread, regs.ss);
	OFFSET(UC_REGS, struct ucontext, uc_mcontext);
	OFFSET(UC_EFLAGS, struct ucontext, uc_mcontext.eflags);
	OFFSET(UC_FPSTATE, struct ucontext, uc_mcontext.fpstate);
	OFFSET(FPSTATE_MAGIC, struct _fpstate_64, sw_reserved.magic1);
	OFFSET(FPSTATE_FEATURES, struct _fpstate_64, sw_reserved.xfeatures);
	OFFSET(WORLD_REGS, struct rt_world, regs);
	OFFSET(WORLD_SP, struct rt_world, sp);
	OFFSET(WORLD_HOST_SP, struct rt_world, host_sp);
	VALUE(USER_CS, KERNEL_USER_CS);
	VALUE(USER_SS, KERNEL_USER_SS);
	VALUE(BY_SITE, K23_BY_SITE);
	OFFSET(IMAGE_PTRACED, struct rt_image, ptraced);
	VALUE(PTRACED_SLOWLY, RT_PTRACED_CALLS | RT_PTRACED_DISPATCH | RT_PTRACED_TRACES);
	VALUE(ARCH_X86_64, K23_ARCH_X86_64);
	VALUE(VERDICT_GATE, RT_VERDICT_GATE);
	VALUE(VERDICTS, RT_VERDICTS);
	VALUE(NUMBERS, K23_NUMBERS);
	VALUE(REGION_SIZE, RT_REGION_SIZE);
	VALUE(THREAD_SIZE, sizeof(struct rt_thread));
	VALUE(GS_TAG, RT_GS_TAG);
	VALUE(GS_THREAD, GS_THREAD_OFFSET);
	VALUE(GS_STACK_TOP, GS_THREAD_OFFSET + offsetof(struct rt_thread, stack_top));
	VALUE(GS_CALL, GS_THREAD_OFFSET + offsetof(struct rt_thread, call));
	VALUE(GS_RETURN, GS_THREAD_OFFSET + offsetof(struct rt_thread, fast_return));
	VALUE(GS_MARKED, RT_GS_MARKED);
	VALUE(GS_MARK, GS_THREAD_OFFSET + offsetof(struct rt_thread, gs_mark));
	VALUE(GS_NUMBER, GS_THREAD_OFFSET + offsetof(struct rt_thread, fast_nr));
	VALUE(XSTATE_MAGIC, FP_XSTATE_MAGIC1);
	VALUE(ERESTART, K23_ERESTART);
	OFFSET(BUNDLE_PRIVATE_START, struct bundle, private_start);
	OFFSET(BUNDLE_SHARED_ID, struct bundle, shared_id);
	OFFSET(BUNDLE_STORE, struct bundle, store);
	OFFSET(BUNDLE_REGIONS, struct bundle, regions);
	OFFSET(START_ENTRY, struct start_block, entry);
	OFFSET(START_STACK, struct start_block, stack);
	OFFSET(START_EFLAGS, struct start_block, eflags);
	OFFSET(START_SIGMASK, struct start_block, sigmask);
	OFFSET(START_HELPER, struct start_block, helper);
	OFFSET(START_FILTERS, struct start_block, filters);
	OFFSET(START_EXE, struct start_block, exe);
	OFFSET(START_VALUES, struct start_block, values);
	OFFSET(START_MEMORY, struct start_block, memory);
	OFFSET(START_REST, struct start_block, sigsys_blocked);
	VALUE(START_SIZE, sizeof(struct start_block));
	VALUE(REGION_TAIL, RT_REGION_TAIL);
	/* From the frame of the site, on a thread's stack, to the thread block. */
	VALUE(FRAME_TO_THREAD, 16 + RT_REGION_TAIL + RT_SIGNAL_STACK_SIZE - sizeof(struct rt_thread));
	VALUE(READ_WRITE, PROT_READ | PROT_WRITE);
	VALUE(FIXED_ANONYMOUS, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
	VALUE(EXIT_RUNTIME, 125);
	VALUE(NR_EXIT_GROUP, __NR_exit_group);
	VALUE(NR_MMAP, __NR_mmap);
	VALUE(NR_RT_SIGRETURN, __NR_rt_sigreturn);
}
