#include "rt/text/mend.h"

#include "core/patch.h"
#include "core/string.h"
#include "rt/text/text.h"

#define MOV 0xb8 /* mov $number, %reg: the register is in the lower bits */

/* ctx: entry; no locks */
static void mend(uint64_t *value, unsigned reg, uint64_t site, const uint8_t *stub)
{
	uint64_t address = (uint64_t)stub;
	uint32_t number;

	if (stub[0] != MOV + reg || !core_patch_is_stub(stub) || core_patch_site(stub, address) != site ||
	    address != site - core_patch_window(stub) + STORE_MIN_WINDOW + (uint64_t)(int32_t)*value)
		return;
	memcpy(&number, stub + 1, sizeof(number));
	*value = number;
}

/* ctx: entry; no locks */
void rt_mend(struct core_regs *regs)
{
	uint64_t *const numbered[] = { &regs->rax, NULL, &regs->rdx, &regs->rbx, NULL, &regs->rbp, &regs->rsi,
				       &regs->rdi };
	uint64_t site = regs->rip - RT_SYSCALL_SIZE, block, size;

	if (!rt_text_block(site, &block, &size))
		return;
	for (unsigned i = 0; i < sizeof(numbered) / sizeof(numbered[0]); i++) {
		uint64_t slot;

		if (!numbered[i] || *numbered[i] > UINT32_MAX)
			continue;
		/* A window is longer than the jump by less than a slot. */
		slot = (site + (uint64_t)(int32_t)*numbered[i]) & ~(uint64_t)(PATCH_SLOT - 1);
		if (slot - block < size && slot != block)
			mend(numbered[i], i, site, (const uint8_t *)slot);
	}
}
