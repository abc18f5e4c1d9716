/*
 * ctx: boot | entry, for all here.
 *
 * XSAVEC and XRSTOR of all that is in use take 80 to 140 ns (Intel, model 207). Moves take a tenth of that, so
 * the registers that programs use are moved; the processor says which those are. Of the others most programs have none
 * in use: those are as they were initially, and XRSTOR makes them so again if the hook has used some.
 */
#include <asm/prctl.h>

#include "abi/syscall.h"
#include "rt/world/state.h"

/* Components, as XCR0 and XSTATE_BV have them. */
#define X87 1u
#define SSE 2u
#define AVX 4u
#define OPMASK 0x20u     /* %k0 to %k7 */
#define ZMM_HIGH 0x40u   /* the upper halves of %zmm0 to %zmm15 */
#define ZMM_16_31 0x80u
/* The rights of protection keys are no state of C code's: pkey_alloc may change them in a call that a hook forwards. */
#define PKRU 0x200u
/* What is in tiles, which fork does not give to the child. */
#define TILES 0x40000u

#define MOVED_AVX (SSE | AVX)
#define MOVED_AVX512 (MOVED_AVX | OPMASK | ZMM_HIGH | ZMM_16_31)
/* Those that are initial again by XRSTOR alone. */
#define UNMOVED_INITIAL (SSE | OPMASK | ZMM_16_31)

#define HEADER 512u /* in what XSAVE writes */
#define HEADER_WORDS 8u
#define LEGACY_MXCSR 24u
#define X87_REGISTERS 32u
#define X87_END 160u

#define MXCSR_DEFAULT 0x1f80u
#define X87_CONTROL_DEFAULT 0x37fu

#define LOW "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15"
#define HIGH "16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"
/* An instruction for each of these registers, and its place in state->registers. */
#define STORE(move, name, which, to) \
	__asm__ volatile(".irp n, " which "\n\t" move " %%" name "\\n, 64 * \\n(%0)\n\t.endr" : : "r"(to) : "memory")
#define LOAD(move, name, which, from) \
	__asm__ volatile(".irp n, " which "\n\t" move " 64 * \\n(%0), %%" name "\\n\n\t.endr" : : "r"(from) : "memory")

/* The components that are to be moved; none, if the processor does not say what is in use. */
static uint64_t moved(void)
{
	if (!(rt.bundle->flags & BUNDLE_XGETBV_IN_USE))
		return 0;
	return rt.bundle->flags & BUNDLE_AVX512BW ? MOVED_AVX512 : MOVED_AVX;
}

/* Those that are not in use are as they were initially. */
static uint64_t in_use(void)
{
	uint32_t low, high;

	if (!(rt.bundle->flags & BUNDLE_XGETBV_IN_USE))
		return ~(uint64_t)PKRU;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(1));
	return ((uint64_t)high << 32 | low) & ~(uint64_t)PKRU;
}

static void save_mxcsr(uint32_t *to)
{
	__asm__ volatile("stmxcsr %0" : "=m"(*to));
}

static void load_mxcsr(uint32_t mxcsr)
{
	__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
}

static void xsave(struct rt_state *state, uint64_t components)
{
	uint64_t high = components >> 32;

	if (!components)
		return;
	if (rt.bundle->flags & BUNDLE_XSAVEC)
		__asm__ volatile("xsavec64 (%0)" : : "r"(state->xsave), "a"(components), "d"(high) : "memory");
	else
		__asm__ volatile("xsave64 (%0)" : : "r"(state->xsave), "a"(components), "d"(high) : "memory");
}

static void xrstor(struct rt_state *state, uint64_t components)
{
	uint64_t high = components >> 32;

	if (components)
		__asm__ volatile("xrstor64 (%0)" : : "r"(state->xsave), "a"(components), "d"(high) : "memory");
}

/* The kernel lets the x87 be in use whenever a handler of a signal returns. */
static bool x87_is_initial(const uint8_t *xsave)
{
	const uint64_t *words = (const uint64_t *)xsave;
	uint64_t others = words[1] | words[2];

	for (size_t i = X87_REGISTERS / 8; i < X87_END / 8; i++)
		others |= words[i];
	return words[0] == X87_CONTROL_DEFAULT && !others;
}

static void clean_used(uint64_t used)
{
	if (used & X87)
		__asm__ volatile("fninit");
	load_mxcsr(MXCSR_DEFAULT);
}

void rt_state_save(struct rt_state *state)
{
	uint64_t used = in_use(), rest = used & ~moved();
	uint64_t *header = (uint64_t *)(state->xsave + HEADER);

	/* The processor leaves what is reserved there as it is, and wants it to be 0. */
	for (uint32_t i = 0; i < HEADER_WORDS; i++)
		*(volatile uint64_t *)&header[i] = 0;
	save_mxcsr(&state->mxcsr);
	*(uint32_t *)(state->xsave + LEGACY_MXCSR) = state->mxcsr;
	xsave(state, rest);
	if (moved() && (rest & X87) && x87_is_initial(state->xsave)) {
		header[0] &= ~(uint64_t)X87;
		xrstor(state, X87);
		used &= ~(uint64_t)X87;
	}
	state->in_use = used;
	used &= moved();
	if (used & ZMM_HIGH)
		STORE("vmovdqa64", "zmm", LOW, state->registers);
	else if (used & AVX)
		STORE("vmovdqa", "ymm", LOW, state->registers);
	else if (used & SSE)
		STORE("movaps", "xmm", LOW, state->registers);
	if (used & ZMM_16_31)
		STORE("vmovdqa64", "zmm", HIGH, state->registers);
	if (used & OPMASK)
		__asm__ volatile(".irp n, 0,1,2,3,4,5,6,7\n\tkmovq %%k\\n, 8 * \\n(%0)\n\t.endr"
				 : : "r"(state->masks) : "memory");
	/* XGETBV takes 13 ns on a Zen 4: what is in use need not be asked again. */
	clean_used(state->in_use);
}

void rt_state_load(struct rt_state *state)
{
	uint64_t saved = state->in_use, used = in_use(), changed = used & ~saved;
	uint64_t rest = ((saved | used) & ~moved()) | (changed & UNMOVED_INITIAL);

	saved &= moved();
	if ((saved & (AVX | ZMM_HIGH)) == ZMM_HIGH)
		rest |= AVX;
	/* By this the upper halves are 0, and no more in use; moves to the lower ones leave that so. */
	if (changed & moved() & (AVX | ZMM_HIGH))
		__asm__ volatile("vzeroupper");
	if (saved & ZMM_HIGH)
		LOAD("vmovdqa64", "zmm", LOW, state->registers);
	else if (saved & AVX)
		LOAD("vmovdqa", "ymm", LOW, state->registers);
	else if (saved & SSE)
		LOAD("movaps", "xmm", LOW, state->registers);
	if (saved & ZMM_16_31)
		LOAD("vmovdqa64", "zmm", HIGH, state->registers);
	if (saved & OPMASK)
		__asm__ volatile(".irp n, 0,1,2,3,4,5,6,7\n\tkmovq 8 * \\n(%0), %%k\\n\n\t.endr"
				 : : "r"(state->masks) : "memory");
	xrstor(state, rest);
	load_mxcsr(state->mxcsr);
}

void rt_state_forked(struct rt_state *state)
{
	*(uint64_t *)(state->xsave + HEADER) &= ~(uint64_t)TILES;
}

void rt_state_clean(void)
{
	clean_used(in_use());
}

/* To load the control word of the x87 makes it be in use. */
static void load_x87_control(uint16_t control)
{
	uint16_t now;

	__asm__ volatile("fnstcw %0" : "=m"(now));
	if (now != control)
		__asm__ volatile("fldcw %0" : : "m"(control));
}

void rt_control_save(struct rt_control *control)
{
	__asm__ volatile("fnstcw %0" : "=m"(control->x87));
	save_mxcsr(&control->mxcsr);
}

void rt_control_load(const struct rt_control *control)
{
	load_x87_control(control->x87);
	load_mxcsr(control->mxcsr);
}

void rt_control_clean(void)
{
	rt_control_load(&(struct rt_control){ .mxcsr = MXCSR_DEFAULT, .x87 = X87_CONTROL_DEFAULT });
}

uint64_t rt_fs_read(void)
{
	uint64_t base = 0;

	if (rt.fsgsbase)
		__asm__ volatile("rdfsbase %0" : "=r"(base));
	else
		sys(arch_prctl, ARCH_GET_FS, &base);
	return base;
}

void rt_fs_write(uint64_t base)
{
	if (rt.fsgsbase)
		__asm__ volatile("wrfsbase %0" : : "r"(base) : "memory");
	else
		sys(arch_prctl, ARCH_SET_FS, base);
}
