#include "core/patch.h"

#include "core/string.h"

#define LEA_SIZE 7u
#define JMP_SIZE 6u
#define NONE 0xff

_Static_assert(STORE_MAX_WINDOW + LEA_SIZE + JMP_SIZE + 1 == PATCH_SLOT, "the longest window fills a slot");

/* A displacement from `next`, the address after its instruction. */
static bool put_relative(uint8_t *at, uint64_t next, uint64_t to)
{
	int64_t distance = (int64_t)(to - next);
	int32_t value = (int32_t)distance;

	memcpy(at, &value, sizeof(value));
	return distance == value;
}

static int32_t get_relative(const uint8_t *at)
{
	int32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

bool core_patch_valid(const struct store_site *site)
{
	if (!(site->flags & STORE_VERIFIED) || site->window < STORE_MIN_WINDOW || site->window > STORE_MAX_WINDOW ||
	    site->function_before < site->window || site->function_size < 2 ||
	    site->function_before > site->function_size - 2)
		return false;
	return site->relative == NONE || (site->relative_end <= site->window && site->relative + 4u <= site->relative_end);
}

static const uint8_t lea[] = { 0x4c, 0x8d, 0x1d }, jmp[] = { 0xff, 0x25 };

bool core_patch_stub(uint8_t slot[PATCH_SLOT], uint64_t address, uint64_t block, enum core_patch_entry entry,
		const struct store_site *plan, const uint8_t *window, uint64_t site)
{
	uint8_t *code = slot + plan->window;
	uint64_t ip = address + plan->window;

	memset(slot, 0xcc, PATCH_SLOT);
	memcpy(slot, window, plan->window);
	if (plan->relative != NONE) {
		uint64_t target = site - plan->window + plan->relative_end + (uint64_t)get_relative(window + plan->relative);

		if (!put_relative(slot + plan->relative, address + plan->relative_end, target))
			return false;
	}
	memcpy(code, lea, sizeof(lea));
	if (!put_relative(code + sizeof(lea), ip + LEA_SIZE, site + 2))
		return false;
	code += LEA_SIZE;
	ip += LEA_SIZE;
	memcpy(code, jmp, sizeof(jmp));
	slot[PATCH_SLOT - 1] = plan->window;
	return put_relative(code + sizeof(jmp), ip + JMP_SIZE, block + 8u * entry);
}

bool core_patch_jump(uint8_t *window, uint64_t from, uint64_t stub)
{
	window[0] = 0xe9;
	return put_relative(window + 1, from + STORE_MIN_WINDOW, stub);
}

bool core_patch_is_stub(const uint8_t slot[PATCH_SLOT])
{
	uint8_t window = slot[PATCH_SLOT - 1];

	return window >= STORE_MIN_WINDOW && window <= STORE_MAX_WINDOW &&
	       memcmp(slot + window, lea, sizeof(lea)) == 0 && memcmp(slot + window + LEA_SIZE, jmp, sizeof(jmp)) == 0;
}

uint64_t core_patch_site(const uint8_t slot[PATCH_SLOT], uint64_t address)
{
	uint8_t window = slot[PATCH_SLOT - 1];

	return address + window + LEA_SIZE + (uint64_t)get_relative(slot + window + 3) - 2;
}

uint64_t core_patch_origin(const uint8_t slot[PATCH_SLOT], uint64_t address, uint64_t ip)
{
	uint8_t window = slot[PATCH_SLOT - 1];

	return core_patch_site(slot, address) - (ip - address < window ? window : 0u);
}
