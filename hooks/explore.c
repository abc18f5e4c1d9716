/*
 * explore: notes which places of a program make which system calls, for `k23 inject --explore` (k23/explore.h).
 *
 * Where a call comes from is found without unwind tables: of what is near on the stack, the words that lead behind a
 * call instruction are taken for return addresses. A word that was left behind there can be one, too; then one place
 * becomes two, and is explored twice.
 */
#include "collector.h"

#include <k23/explore.h>

#include "descent.h"

#define STACK_WORDS 256u /* that are looked at */
#define FRAMES 8u	 /* return addresses that tell places apart */
#define SHOWN 3u	 /* that are shown */
#define PROBES 64u
#define LOCK_PATIENCE 100000u /* looks: then who had it was killed */
#define KNOWN 1024u /* addresses that are remembered; a power of two */

/* An address of code, and what is known of it. Threads read and write these without locks: an entry of which one has
 * written a half is that of no address. */
struct address {
	uint64_t key;  /* the address ^ hash */
	uint64_t hash; /* of its file and its offset; 0: it is no return address */
};

static struct k23_exploration *exploration;
static struct address known[KNOWN];
static uint32_t known_since; /* the value of k23_unmapped() for which they hold */

/* Where an address of code is. Returns the length of the path, or -errno. */
static long find_address(uint64_t address, char *path, size_t size, unsigned long *offset)
{
	struct k23_call at = { .ip = address };

	return k23_site(&at, path, size, offset);
}

/* Whether a call instruction ends at the address: call rel32, or call by a register or memory. */
static int follows_call(uint64_t address)
{
	unsigned char code[8];

	if (k23_copy_from(code, address - sizeof(code), sizeof(code)) < 0)
		return 0;
	if (code[3] == 0xe8)
		return 1;
	for (unsigned size = 2; size <= 7; size++)
		if (code[8 - size] == 0xff && (code[9 - size] >> 3 & 7) == 2)
			return 1;
	return 0;
}

static uint64_t hash_address(uint64_t address, int is_return)
{
	char path[K23_PATH_MAX];
	unsigned long offset;
	long length = find_address(address, path, sizeof(path), &offset);
	uint64_t hash = 1;

	if (length < 0 || (is_return && !follows_call(address)))
		return 0;
	for (long i = 0; i < length; i++)
		hash = k23_descent_mix(hash, (unsigned char)path[i]);
	return k23_descent_mix(hash, offset) | 1;
}

/* The same, of addresses that were met before without asking again. */
static uint64_t address_hash(uint64_t address, int is_return)
{
	struct address *slot = &known[k23_descent_mix(0, address) % KNOWN];
	uint64_t hash = __atomic_load_n(&slot->hash, __ATOMIC_RELAXED);

	if (k23_unmapped() != known_since) {
		memset(known, 0, sizeof(known));
		known_since = k23_unmapped();
	} else if ((__atomic_load_n(&slot->key, __ATOMIC_RELAXED) ^ hash) == address) {
		return hash;
	}
	hash = hash_address(address, is_return);
	__atomic_store_n(&slot->key, address ^ hash, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->hash, hash, __ATOMIC_RELAXED);
	return hash;
}

/* --- places */

struct stack {
	uint64_t hash;
	uint64_t frames[FRAMES];
	unsigned count;
};

static void look_at_stack(struct stack *stack, const struct k23_call *call)
{
	uint64_t words[STACK_WORDS];
	unsigned count = STACK_WORDS;

	stack->hash = k23_descent_mix(address_hash(call->ip, 0), (uint64_t)call->nr);
	stack->count = 0;
	/* Near the end of the stack there are fewer. */
	while (count && k23_copy_from(words, call->sp, count * sizeof(*words)) < 0)
		count /= 2;
	for (unsigned i = 0; i < count && stack->count < FRAMES; i++) {
		/* No code is below the first megabyte, or in the kernel's half. */
		uint64_t hash = words[i] >> 20 && !(words[i] >> 47) ? address_hash(words[i], 1) : 0;

		if (!hash)
			continue;
		stack->hash = k23_descent_mix(stack->hash, hash);
		stack->frames[stack->count++] = words[i];
	}
}

static const char *base_name(const char *path)
{
	const char *base = path;

	for (; *path; path++)
		if (*path == '/')
			base = path + 1;
	return base;
}

/* Appends an address to a place's text, unless it is in the file `except`. Returns how long the text is then. */
static size_t describe_address(char *text, size_t used, uint64_t address, const char *except)
{
	char path[K23_PATH_MAX];
	unsigned long offset;
	long more;

	if (find_address(address, path, sizeof(path), &offset) < 0 || k23_strcmp(base_name(path), except) == 0)
		return used;
	more = k23_format(text + used, K23_EXPLORE_TEXT - used, "%s%s+0x%lx", used ? "\n" : "", path, offset);
	if (used + (size_t)more < K23_EXPLORE_TEXT)
		return used + (size_t)more;
	text[used] = '\0'; /* there is no room for it */
	return used;
}

static size_t describe_frames(char *text, size_t used, const struct stack *stack, const char *except)
{
	size_t now = used;

	for (unsigned i = 0, shown = 0; i < stack->count && shown < SHOWN; i++, used = now) {
		now = describe_address(text, used, stack->frames[i], except);
		shown += now > used;
	}
	return used;
}

/* What is in the library that makes the call is seldom of interest, unless there is nothing else. */
static void describe(struct k23_explore_place *place, const struct k23_call *call, const struct stack *stack)
{
	char path[K23_PATH_MAX] = "";
	unsigned long offset;
	size_t used = describe_address(place->text, 0, call->ip, "");

	if (find_address(call->ip, path, sizeof(path), &offset) < 0)
		*path = '\0';
	if (describe_frames(place->text, used, stack, base_name(path)) == used)
		describe_frames(place->text, used, stack, "");
	place->loader = k23_starts_with(base_name(path), "ld-linux") || k23_starts_with(base_name(path), "ld-2.");
	place->nr = (uint32_t)call->nr;
	__atomic_store_n(&place->known, 1, __ATOMIC_RELEASE);
}

static struct k23_explore_place *find_place(const struct k23_call *call)
{
	const struct k23_descent *process = &descent()->process;
	struct stack stack;
	uint64_t key;

	look_at_stack(&stack, call);
	key = k23_descent_mix(k23_descent_mix(stack.hash, process->id), process->images) | 1;
	for (uint64_t n = 0; n < PROBES; n++) {
		struct k23_explore_place *place = &exploration->places[(key + n) % K23_EXPLORE_PLACES];
		uint64_t free_key = 0;

		if (__atomic_compare_exchange_n(&place->key, &free_key, key, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			place->process = *process;
			describe(place, call, &stack);
			return place;
		}
		if (free_key == key)
			return place;
	}
	return NULL;
}

/* --- occurrences */

static int compare_occurrences(const struct k23_explore_occurrence *a, const struct k23_explore_occurrence *b)
{
	int order = k23_descent_compare(&a->thread, &b->thread);

	return order ? order : a->of_thread < b->of_thread ? -1 : a->of_thread > b->of_thread;
}

/* Adds an occurrence, unless there is no room left for those that come so late. One that is made again after a signal
 * is there already. */
static void insert(struct k23_explore_place *place, const struct k23_explore_occurrence *occurrence)
{
	struct k23_explore_occurrence *all = place->occurrences;
	uint32_t count = place->count < K23_EXPLORE_OCCURRENCES ? place->count : K23_EXPLORE_OCCURRENCES, i = 0;

	while (i < count && compare_occurrences(&all[i], occurrence) < 0)
		i++;
	if (i == K23_EXPLORE_OCCURRENCES || (i < count && compare_occurrences(&all[i], occurrence) == 0))
		return;
	if (count < K23_EXPLORE_OCCURRENCES)
		count++;
	for (uint32_t j = count - 1; j > i; j--)
		all[j] = all[j - 1];
	all[i] = *occurrence;
	place->count = count;
}

static void add_occurrence(struct k23_explore_place *place, const struct k23_explore_occurrence *occurrence)
{
	for (unsigned n = 0; __atomic_exchange_n(&place->lock, 1, __ATOMIC_ACQUIRE) && n < LOCK_PATIENCE; n++)
		__builtin_ia32_pause();
	insert(place, occurrence);
	__atomic_store_n(&place->lock, 0, __ATOMIC_RELEASE);
}

static void note(const struct k23_call *call)
{
	struct descent *mine = descent();
	struct k23_explore_occurrence occurrence = {
		.thread = mine->thread,
		.of_run = __atomic_add_fetch(&exploration->counts[call->nr], 1, __ATOMIC_RELAXED),
		.of_thread = ++mine->counts[call->nr],
		.mmaps = mine->counts[SYS_mmap],
		.brks = mine->counts[SYS_brk],
	};
	struct k23_explore_place *place = find_place(call);

	if (place)
		add_occurrence(place, &occurrence);
	else
		__atomic_add_fetch(&exploration->missed, 1, __ATOMIC_RELAXED);
}

static long on_call(struct k23_call *call)
{
	uint64_t nr = (uint64_t)call->nr;
	long result;

	if (!exploration || nr >= K23_NUMBERS || !k23_ring_has_call(&exploration->wanted, call->arch, call->nr) ||
	    (call->nr == SYS_brk && !call->args[0])) /* a question */
		return forward(call);
	note(call);
	result = forward(call);
	/* It was not made, and comes again. */
	if (result == -K23_ERESTART) {
		__atomic_sub_fetch(&exploration->counts[nr], 1, __ATOMIC_RELAXED);
		descent()->counts[nr]--;
	}
	return result;
}

static void on_birth(void)
{
	if (exploration)
		__atomic_add_fetch(&exploration->births, 1, __ATOMIC_RELAXED);
	descent_begin();
}

static int init(const struct k23_options *options)
{
	int r = channel_init(options, K23_EXPLORE_MAGIC, "inject --explore");

	exploration = (struct k23_exploration *)channel;
	if (r < 0 || !channel)
		return r;
	descent_go_on(exploration->carried);
	descent_want(on_call);
	for (long nr = 0; nr < (long)K23_NUMBERS; nr++)
		if (k23_ring_has_call(&exploration->wanted, K23_ARCH_X86_64, nr))
			k23_want(nr, on_call);
	return 0;
}

K23_HOOK(explore,
	.init = init,
	.fork_child = on_birth,
	.thread_start = on_birth,
	.thread_size = sizeof(struct descent),
	.calls = {
		CHANNEL_CALLS,
	});
