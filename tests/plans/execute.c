/*
 * Does what plans say: for each plan of a program or library, the window is run as it is, and patched, from the same
 * registers, flags and memory, which are random. Both must come to the same place in the same state; and so must a
 * thread that is interrupted behind any instruction and sent to where core_patch_origin says that it is.
 *
 * The windows are copied to an image of the file, in which nothing else is but traps: at the system call, and where a
 * branch leads. A signal's return loads a state, and the trap's signal saves it. Prints the instructions of each
 * window, for whoever wants to compare. usage: execute FILE STATES
 */
#include <Zydis/Zydis.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "core/patch.h"
#include "sites/analysis.h"

#define SCRATCH (16u << 10)
#define AROUND 4096u /* what an access may be beyond a pointer by */
#define OPERAND 64u  /* bytes at an operand of the image */
#define BLOCK (1u << 20)
#define TRAP 0xcc
#define EFLAGS_TF 0x100
#define EFLAGS_RANDOM 0xcd5u /* CF PF AF ZF SF DF OF, less DF */
#define EFLAGS_DF 0x400u
#define STEPS 8u

struct state {
	greg_t gregs[NGREG];
	uint8_t xmm[256];
	uint64_t memory; /* a sum of all that may be written to */
	long signal; /* as wide as the rest: all bytes are compared */
};

static ZydisDecoder decoder;
static uint8_t *image, *scratch;
static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* What the handler is to do: load `start`, and at the end save to `end` and return to `host`. */
static struct {
	const struct state *start;
	struct state *end;
	ucontext_t host;
	bool running;
	unsigned steps; /* to be made one by one before going on from where the slot says */
	const uint8_t *slot;
	bool stepped;
} job;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *gregs = uc->uc_mcontext.gregs;

	if (!job.running) {
		job.running = true;
		memcpy(job.host.uc_mcontext.gregs, gregs, sizeof(job.host.uc_mcontext.gregs));
		memcpy(gregs, job.start->gregs, REG_TRAPNO * sizeof(*gregs));
		gregs[REG_CSGSFS] = job.host.uc_mcontext.gregs[REG_CSGSFS];
		memcpy(uc->uc_mcontext.fpregs->_xmm, job.start->xmm, sizeof(job.start->xmm));
		return;
	}
	if (sig == SIGTRAP && info->si_code == TRAP_TRACE && job.steps) {
		uint64_t ip = (uint64_t)gregs[REG_RIP], slot = (uint64_t)job.slot;

		/* The jump to the stub is not one of its instructions. */
		if (ip - slot >= PATCH_SLOT || ip == slot || --job.steps)
			return;
		gregs[REG_EFL] &= ~EFLAGS_TF;
		/* The window is done, and %r11 is what the kernel would change. */
		if (ip - slot > core_patch_displaced(job.slot))
			return;
		job.stepped = true;
		gregs[REG_RIP] = (greg_t)core_patch_origin(job.slot, slot, ip);
		return;
	}
	memcpy(job.end->gregs, gregs, sizeof(job.end->gregs));
	memcpy(job.end->xmm, uc->uc_mcontext.fpregs->_xmm, sizeof(job.end->xmm));
	job.end->gregs[REG_EFL] &= ~EFLAGS_TF;
	job.end->signal = sig;
	memcpy(gregs, job.host.uc_mcontext.gregs, sizeof(job.host.uc_mcontext.gregs));
	gregs[REG_EFL] &= ~(greg_t)EFLAGS_TF;
}

/* A plan as it lies in the image. */
struct trial {
	const struct store_site *site;
	const uint8_t *window; /* in the file */
	uint64_t start, call;  /* in the image */
	uint64_t operand;      /* 0: none */
	uint64_t branch;       /* its target, 0: none */
	uint8_t *slot;
	unsigned executed, refused_states;
};

static void fill(uint8_t *at, size_t size, uint64_t seed)
{
	uint64_t word;

	for (size_t i = 0; i < size; i += sizeof(word)) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		/* Often zero, so that conditions go both ways. */
		word = seed >> 62 ? seed ^ seed >> 32 : 0;
		memcpy(at + i, &word, sizeof(word));
	}
}

static uint64_t sum(const uint8_t *at, size_t size)
{
	uint64_t sum = 0xcbf29ce484222325u, word;

	for (size_t i = 0; i + sizeof(word) <= size; i += sizeof(word)) {
		memcpy(&word, at + i, sizeof(word));
		sum = (sum ^ word) * 0x100000001b3u;
	}
	return sum;
}

/* Puts the window in place, as it is or patched. */
static bool place(const struct trial *trial, bool patched)
{
	uint8_t *start = (uint8_t *)trial->start;
	bool fits = true;

	memcpy(start, trial->window, trial->site->window);
	if (patched)
		fits = core_patch_jump(trial->site, start, trial->start, (uint64_t)trial->slot);
	memset(start + trial->site->window, TRAP, 2);
	return fits;
}

static void run(const struct trial *trial, const struct state *from, uint64_t seed, unsigned steps, struct state *to)
{
	struct state start = *from;

	fill(scratch, SCRATCH, seed);
	if (trial->operand)
		fill((uint8_t *)trial->operand, OPERAND, seed + 1);
	start.gregs[REG_RIP] = (greg_t)trial->start;
	if (steps)
		start.gregs[REG_EFL] |= EFLAGS_TF;
	job.start = &start;
	job.end = to;
	job.steps = steps;
	job.stepped = false;
	job.slot = trial->slot;
	job.running = false;
	__asm__ volatile("int3" ::: "memory");
	to->memory = sum(scratch, SCRATCH);
	if (trial->operand)
		to->memory ^= sum((uint8_t *)trial->operand, OPERAND);
}

static struct state random_registers(void)
{
	struct state state = { .signal = 0 };

	for (unsigned i = 0; i < REG_RIP; i++) {
		uint64_t value = next_random();

		switch (value >> 61) {
		case 0:
			state.gregs[i] = 0;
			break;
		case 1:
			state.gregs[i] = (greg_t)(value % 512);
			break;
		case 2:
			state.gregs[i] = (greg_t)value;
			break;
		default:
			state.gregs[i] = (greg_t)(uint64_t)(scratch + AROUND + value % (SCRATCH - 2 * AROUND));
		}
	}
	state.gregs[REG_RSP] = (greg_t)(uint64_t)(scratch + AROUND + next_random() % (SCRATCH - 2 * AROUND));
	state.gregs[REG_EFL] = (greg_t)(0x202 | (next_random() & (EFLAGS_RANDOM & ~EFLAGS_DF)));
	for (size_t i = 0; i < sizeof(state.xmm); i++)
		state.xmm[i] = (uint8_t)next_random();
	return state;
}

static bool complain(const struct trial *trial, const char *what, uint64_t got, uint64_t wanted)
{
	fprintf(stderr, "0x%" PRIx64 ": %s 0x%" PRIx64 ", not 0x%" PRIx64 "\n", trial->site->offset, what, got, wanted);
	return false;
}

/* Whether the patched window came to the same as the other. */
static bool is_same(const struct trial *trial, const struct state *a, const struct state *b)
{
	uint64_t entry = (uint64_t)image - BLOCK + PATCH_SLOT / 2, place = (uint64_t)b->gregs[REG_RIP];
	bool entered = place == entry + 1;

	if (entered)
		place = trial->call + 1;
	else if (b->signal != SIGTRAP && place - (uint64_t)trial->slot < PATCH_SLOT)
		place = core_patch_origin(trial->slot, (uint64_t)trial->slot, place);
	if (a->signal != b->signal)
		return complain(trial, "signal", (unsigned)b->signal, (unsigned)a->signal);
	if (place != (uint64_t)a->gregs[REG_RIP])
		return complain(trial, "place", place, (uint64_t)a->gregs[REG_RIP]);
	for (unsigned i = 0; i < REG_RIP; i++) {
		if (i == REG_R11 && entered) {
			if ((uint64_t)b->gregs[i] != trial->call + 2)
				return complain(trial, "way back", (uint64_t)b->gregs[i], trial->call + 2);
		} else if (a->gregs[i] != b->gregs[i]) {
			fprintf(stderr, "register %u: ", i);
			return complain(trial, "value", (uint64_t)b->gregs[i], (uint64_t)a->gregs[i]);
		}
	}
	if (a->gregs[REG_EFL] != b->gregs[REG_EFL])
		return complain(trial, "flags", (uint64_t)b->gregs[REG_EFL], (uint64_t)a->gregs[REG_EFL]);
	if (memcmp(a->xmm, b->xmm, sizeof(a->xmm)) != 0)
		return complain(trial, "vector registers", 1, 0);
	return a->memory == b->memory || complain(trial, "memory", b->memory, a->memory);
}

static bool try_states(struct trial *trial, unsigned states)
{
	struct state from, native, again, patched;

	for (unsigned n = 0; n < states; n++) {
		uint64_t seed = next_random();

		from = random_registers();
		place(trial, false);
		run(trial, &from, seed, 0, &native);
		run(trial, &from, seed, 0, &again);
		trial->executed++;
		trial->refused_states += native.signal != SIGTRAP;
		if (memcmp(&native, &again, sizeof(native)) != 0)
			return complain(trial, "it is not even the same twice; the place is",
					(uint64_t)again.gregs[REG_RIP], (uint64_t)native.gregs[REG_RIP]);
		if (!place(trial, true))
			return complain(trial, "jump", 0, 1);
		run(trial, &from, seed, 0, &patched);
		if (!is_same(trial, &native, &patched))
			return false;
		for (unsigned steps = 1; steps <= STEPS; steps++) {
			run(trial, &from, seed, steps, &patched);
			if (!is_same(trial, &native, &patched)) {
				fprintf(stderr, "  interrupted behind %u instructions\n", steps);
				return false;
			}
			if (!job.stepped)
				break;
		}
	}
	return true;
}

/* Prints where the window's instructions begin. False: one that cannot be run here. */
static bool look(const struct trial *trial, uint64_t address)
{
	printf("%" PRIx64, address);
	for (unsigned at = 0; at < trial->site->window;) {
		ZydisDecodedInstruction instruction;
		ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

		if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, trial->window + at, trial->site->window - at,
							 &instruction, operands)))
			return false;
		/* It would be the test's own thread block. */
		for (unsigned i = 0; i < instruction.operand_count; i++)
			if (operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
			    operands[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE &&
			    (operands[i].mem.segment == ZYDIS_REGISTER_FS ||
			     operands[i].mem.segment == ZYDIS_REGISTER_GS))
				return false;
		at += instruction.length;
		printf(" %" PRIx64, address + at);
	}
	return true;
}

static bool is_inside(const struct trial *trial, uint64_t address)
{
	return address >= trial->start - OPERAND && address < trial->call + 2;
}

static bool try_plan(const struct elf_file *elf, const struct store_site *site, uint64_t base, unsigned states)
{
	const struct elf_file_segment *segment = elf_file_segment_of_offset(elf, site->offset);
	uint64_t address = segment->address + (site->offset - segment->offset);
	struct trial trial = { .site = site, .window = elf->bytes + site->offset - site->window };
	int32_t distance;
	bool right;

	trial.call = (uint64_t)image + address - base;
	trial.start = trial.call - site->window;
	trial.slot = image - BLOCK + PATCH_SLOT * (1 + next_random() % (BLOCK / PATCH_SLOT - 2));
	if (!look(&trial, address - site->window)) {
		puts(" not run");
		return true;
	}
	if (site->branch != 0xff)
		trial.branch = trial.start + site->branch + 2 + (uint64_t)(int8_t)trial.window[site->branch + 1];
	if (site->relative != 0xff) {
		memcpy(&distance, trial.window + site->relative, sizeof(distance));
		trial.operand = trial.start + site->relative_end + (uint64_t)distance;
		/* A long conditional jump. */
		if (trial.window[site->relative - 2] == 0x0f && (trial.window[site->relative - 1] & 0xf0) == 0x80 &&
		    site->relative_end == site->relative + 4) {
			trial.branch = trial.operand;
			trial.operand = 0;
		}
	}
	if (trial.branch == trial.start || (trial.operand && is_inside(&trial, trial.operand))) {
		puts(" not run");
		return true;
	}
	if (!core_patch_stub(trial.slot, (uint64_t)trial.slot, (uint64_t)image - BLOCK, CORE_PATCH_DISPATCH, site,
			     trial.window, trial.call))
		return complain(&trial, "stub", 0, 1);
	if (trial.branch)
		*(uint8_t *)trial.branch = TRAP;
	right = try_states(&trial, states);
	printf("%s\n", trial.refused_states == trial.executed ? " only faulted" : "");
	return right;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK, .sa_sigaction = on_signal };
	stack_t stack = { .ss_size = 1u << 16 };

	stack.ss_sp = malloc(stack.ss_size);
	sigaltstack(&stack, NULL);
	sigaction(SIGTRAP, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

int main(int argc, char **argv)
{
	struct analysis analysis;
	struct elf_file elf;
	uint64_t base, span, entry;
	bool right = true;

	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	if (argc != 3 || elf_file_open(&elf, argv[1]) != 0 || analyse_elf(&elf, NULL, 0, &analysis) != 0 ||
	    !elf.segment_count) {
		fprintf(stderr, "usage: execute FILE STATES\n");
		return 2;
	}
	base = elf.segments[0].address & ~4095ul;
	span = elf.segments[elf.segment_count - 1].address + elf.segments[elf.segment_count - 1].size - base;
	/* Beyond the image: uninitialised data, and functions whose code is elsewhere. */
	image = mmap(NULL, BLOCK + span + (16u << 20), PROT_READ | PROT_WRITE | PROT_EXEC,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	scratch = mmap(NULL, SCRATCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (image == MAP_FAILED || scratch == MAP_FAILED) {
		perror("mmap");
		return 2;
	}
	image += BLOCK;
	entry = (uint64_t)image - BLOCK + PATCH_SLOT / 2;
	memcpy(image - BLOCK, &entry, sizeof(entry));
	*(uint8_t *)entry = TRAP;
	catch_signals();
	for (uint32_t i = 0; i < analysis.site_count; i++)
		if (analysis.sites[i].flags & STORE_VERIFIED)
			right &= try_plan(&elf, &analysis.sites[i], base, (unsigned)atoi(argv[2]));
	analysis_free(&analysis);
	elf_file_close(&elf);
	return !right;
}
