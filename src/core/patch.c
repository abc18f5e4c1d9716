#include "core/patch.h"

#include "core/string.h"

#define LEA_SIZE 7u
#define JMP_SIZE 6u
#define NONE 0xff

#define MOV_SIZE 5u
#define FUNCTION_ENTRY 24u /* where a function that makes a call has the entry's address: behind `ret`, and aligned */

/* The opcode of a conditional jump, which is the second byte in the long form. Its lower half is the condition. */
#define SHORT_JCC 0x70u
#define LONG_JCC 0x80u
#define SHORT_SIZE 2
#define SYSCALL_SIZE 2

_Static_assert(LEA_SIZE + JMP_SIZE == PATCH_LEAVES, "these two instructions end a stub");
_Static_assert(STORE_MAX_WINDOW + PATCH_LEAVES + 1 == PATCH_SLOT, "the longest window fills a slot");

/* Writes a displacement; `next` is the address behind the instruction that has it. False: `to` is out of reach. */
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

/* Whether what is written for the jump lies in the window, or in the function around it. */
static bool is_jump_inside(const struct store_site *site)
{
	int64_t before = (int64_t)site->function_before - site->window, padding = site->kept + SHORT_SIZE + site->hop;

	if (!site->hop)
		return site->kept + STORE_MIN_WINDOW <= site->window;
	return site->kept + SHORT_SIZE <= site->window && before + padding >= 0 &&
	       before + padding + STORE_MIN_WINDOW <= site->function_size &&
	       (padding + STORE_MIN_WINDOW <= 0 || padding >= site->window + SYSCALL_SIZE);
}

bool core_patch_valid(const struct store_site *site)
{
	unsigned window = site->window, branch = site->branch;
	bool valid = site->flags & STORE_VERIFIED && window >= STORE_MIN_WINDOW &&
		     window + (branch == NONE ? 0 : STORE_BRANCH_GROWS) <= STORE_MAX_WINDOW &&
		     site->function_before >= window && site->function_size >= 2 &&
		     site->function_before <= site->function_size - 2;

	if (branch != NONE)
		valid = valid && branch + SHORT_SIZE <= window;
	valid = valid && is_jump_inside(site);
	if (site->relative == NONE)
		return valid;
	return valid && site->relative_end <= window && site->relative + 4u <= site->relative_end &&
	       (branch == NONE || site->relative_end <= branch || site->relative >= branch + SHORT_SIZE);
}

static const uint8_t lea[] = { 0x4c, 0x8d, 0x1d }, jmp[] = { 0xff, 0x25 };

/* The position in the stub of what is at a position in the window. */
static unsigned in_stub(const struct store_site *plan, unsigned at)
{
	return at + (at > plan->branch ? STORE_BRANCH_GROWS : 0);
}

int32_t core_patch_number(const struct store_site *plan, const uint8_t *window)
{
	static const uint8_t xor_eax[] = { 0x31, 0xc0 };
	const uint8_t *end = window + plan->window;

	/* mov $nr, %eax */
	if (end[-5] == 0xb8 && get_relative(end - 4) == plan->nr)
		return plan->nr;
	return plan->nr == 0 && memcmp(end - sizeof(xor_eax), xor_eax, sizeof(xor_eax)) == 0 ? 0 : -1;
}

/* Writes the window's instructions, moved from `from` to the stub at `address`. */
static bool put_window(uint8_t *slot, uint64_t address, const struct store_site *plan, const uint8_t *window,
		       uint64_t from)
{
	unsigned branch = plan->branch == NONE ? plan->window : plan->branch;

	memcpy(slot, window, branch);
	if (branch < plan->window) {
		uint64_t target = from + branch + SHORT_SIZE + (uint64_t)(int8_t)window[branch + 1];

		if ((window[branch] & 0xf0) != SHORT_JCC)
			return false;
		slot[branch] = 0x0f;
		slot[branch + 1] = window[branch] + (LONG_JCC - SHORT_JCC);
		if (!put_relative(slot + branch + 2, address + branch + SHORT_SIZE + STORE_BRANCH_GROWS, target))
			return false;
		branch += SHORT_SIZE;
		memcpy(slot + branch + STORE_BRANCH_GROWS, window + branch, plan->window - branch);
	}
	if (plan->relative == NONE)
		return true;
	return put_relative(slot + in_stub(plan, plan->relative), address + in_stub(plan, plan->relative_end),
			    from + plan->relative_end + (uint64_t)get_relative(window + plan->relative));
}

/* The instructions that leave a stub, for the address `ip`: %r11 becomes `after`, and the entry is the one whose
 * address lies at `entry`. */
static bool put_leaves(uint8_t *code, uint64_t ip, uint64_t after, uint64_t entry)
{
	memcpy(code, lea, sizeof(lea));
	memcpy(code + LEA_SIZE, jmp, sizeof(jmp));
	return put_relative(code + sizeof(lea), ip + LEA_SIZE, after) &&
	       put_relative(code + LEA_SIZE + sizeof(jmp), ip + PATCH_LEAVES, entry);
}

bool core_patch_stub(uint8_t slot[PATCH_SLOT], uint64_t address, uint64_t block, uint32_t word,
		const struct store_site *plan, const uint8_t *window, uint64_t site)
{
	unsigned displaced = in_stub(plan, plan->window);

	memset(slot, 0xcc, PATCH_SLOT);
	if (!put_window(slot, address, plan, window, site - plan->window))
		return false;
	slot[PATCH_SLOT - 1] = (uint8_t)(plan->window | (displaced == plan->window ? 0 : PATCH_WIDENED));
	return put_leaves(slot + displaced, address + displaced, site + 2, block + 8ul * word);
}

void core_patch_call(uint8_t *function, size_t size, uint32_t nr, uint64_t entry)
{
	static const uint8_t syscall_ret[] = { 0x0f, 0x05, 0xc3 };
	bool fast = entry && size >= FUNCTION_ENTRY + sizeof(entry);
	unsigned syscall = fast ? MOV_SIZE + PATCH_LEAVES : MOV_SIZE;

	function[0] = 0xb8; /* mov $nr, %eax */
	memcpy(function + 1, &nr, sizeof(nr));
	if (fast) {
		put_leaves(function + MOV_SIZE, MOV_SIZE, syscall + 2, FUNCTION_ENTRY);
		memset(function + syscall, 0xcc, FUNCTION_ENTRY - syscall);
		memcpy(function + FUNCTION_ENTRY, &entry, sizeof(entry));
	}
	memcpy(function + syscall, syscall_ret, sizeof(syscall_ret));
}

void core_patch_error(uint8_t *function, int32_t error)
{
	static const uint8_t mov[] = { 0x48, 0xc7, 0xc0 }; /* mov $-error, %rax */
	int32_t result = -error;

	memcpy(function, mov, sizeof(mov));
	memcpy(function + sizeof(mov), &result, sizeof(result));
	function[sizeof(mov) + sizeof(result)] = 0xc3; /* ret */
}

/* Makes the bytes that are kept an instruction that does nothing, or nothing that the window does not do. */
static void put_kept(uint8_t *window, unsigned kept)
{
	uint8_t reg = window[1] >> 3 & 7;

	if (kept == PATCH_KEPT_LOAD) {
		window[1] = (uint8_t)(0xc0 | reg << 3 | reg); /* mov %reg, %reg */
	} else if (kept == PATCH_KEPT_COMPARE) {
		window[1] = 0xf8; /* cmp $0, %al */
		window[2] = 0;
	}
}

bool core_patch_jump(const struct store_site *plan, uint8_t *window, uint64_t from, uint64_t stub)
{
	int at = plan->hop ? plan->kept + SHORT_SIZE + plan->hop : plan->kept;
	uint8_t jump[STORE_MIN_WINDOW] = { 0xe9 };

	if (!put_relative(jump + 1, from + (uint64_t)at + sizeof(jump), stub))
		return false;
	memcpy(window + at, jump, sizeof(jump));
	put_kept(window, plan->kept);
	if (plan->hop) {
		window[plan->kept] = 0xeb;
		window[plan->kept + 1] = (uint8_t)plan->hop;
	}
	return true;
}

uint64_t core_patch_leads(const uint8_t code[STORE_MIN_WINDOW], uint64_t ip)
{
	if (code[0] == 0xe9)
		return ip + STORE_MIN_WINDOW + (uint64_t)get_relative(code + 1);
	return core_patch_hops(code) ? ip + SHORT_SIZE + (uint64_t)(int8_t)code[1] : 0;
}

unsigned core_patch_window(const uint8_t slot[PATCH_SLOT])
{
	return slot[PATCH_SLOT - 1] & ~PATCH_WIDENED;
}

unsigned core_patch_displaced(const uint8_t slot[PATCH_SLOT])
{
	return core_patch_window(slot) + (slot[PATCH_SLOT - 1] & PATCH_WIDENED ? STORE_BRANCH_GROWS : 0);
}

bool core_patch_is_stub(const uint8_t slot[PATCH_SLOT])
{
	unsigned displaced = core_patch_displaced(slot);

	return core_patch_window(slot) >= STORE_MIN_WINDOW && displaced <= STORE_MAX_WINDOW &&
	       memcmp(slot + displaced, lea, sizeof(lea)) == 0 &&
	       memcmp(slot + displaced + LEA_SIZE, jmp, sizeof(jmp)) == 0;
}

uint64_t core_patch_site(const uint8_t slot[PATCH_SLOT], uint64_t address)
{
	unsigned displaced = core_patch_displaced(slot);

	return address + displaced + LEA_SIZE + (uint64_t)get_relative(slot + displaced + sizeof(lea)) - 2;
}

uint64_t core_patch_word(const uint8_t slot[PATCH_SLOT], uint64_t address)
{
	unsigned end = core_patch_displaced(slot) + PATCH_LEAVES;

	return address + end + (uint64_t)get_relative(slot + end - 4);
}

uint64_t core_patch_origin(const uint8_t slot[PATCH_SLOT], uint64_t address, uint64_t ip)
{
	return core_patch_site(slot, address) -
	       (ip - address < core_patch_displaced(slot) ? core_patch_window(slot) : 0);
}
