#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <gelf.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <k23/types.h>

#include "cli/cli.h"
#include "cli/render/memory.h"
#include "cli/trace/stack.h"

#define THREAD 1 /* that of a process which libdw is shown: the call's */

struct text {
	struct k23_text at;
	char *path;
};

struct known_frame {
	struct stack_frame frame;
	bool behind_call;
};

struct stack_space {
	Dwfl *dwfl;
	void *frames; /* a tree of struct known_frame */
	bool attached;
	struct text *texts;
	size_t count;
	const struct call *call; /* whose stack is being walked */
	struct stack *stack;
};

/* --- what libdw asks */

static pid_t next_thread(Dwfl *dwfl, void *space, void **thread)
{
	(void)dwfl;
	if (*thread)
		return 0;
	*thread = space;
	return THREAD;
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *word, void *argument)
{
	const struct stack_space *space = argument;

	(void)dwfl;
	return memory_read_stack(space->call, address, word, sizeof(*word));
}

static bool set_registers(Dwfl_Thread *thread, void *argument)
{
	const struct stack_space *space = argument;
	struct k23_registers regs;

	if (!memory_registers(space->call, &regs))
		return false;
	/* In the order of their numbers in DWARF. */
	return dwfl_thread_state_registers(thread, 0, 17, (const Dwarf_Word[]){
		regs.rax, regs.rdx, regs.rcx, regs.rbx, regs.rsi, regs.rdi, regs.rbp, regs.rsp, regs.r8,
		regs.r9, regs.r10, regs.r11, regs.r12, regs.r13, regs.r14, regs.r15, regs.rip,
	});
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.memory_read = read_memory,
	.set_initial_registers = set_registers,
};

static const Dwfl_Callbacks file_callbacks = {
	.find_elf = dwfl_build_id_find_elf, /* never asked: each module has its file */
	.find_debuginfo = dwfl_standard_find_debuginfo,
};

/* --- where code is */

static void free_texts(struct text *texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i].path);
	free(texts);
}

void stack_space_free(struct stack_space *space)
{
	if (!space)
		return;
	tdestroy(space->frames, free);
	free_texts(space->texts, space->count);
	dwfl_end(space->dwfl);
	free(space);
}

static void *must(void *memory)
{
	if (!memory)
		die(EXIT_K23, "out of memory");
	return memory;
}

/* What is to be added to addresses in the file, so that its text is where it is mapped. False: it has no such text. */
static bool find_bias(Elf *elf, const struct k23_text *at, uint64_t *bias)
{
	size_t count = 0;

	elf_getphdrnum(elf, &count);
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr header;

		if (!gelf_getphdr(elf, (int)i, &header) || header.p_type != PT_LOAD || !(header.p_flags & PF_X) ||
		    at->offset + (at->end - at->start) <= header.p_offset ||
		    at->offset >= header.p_offset + header.p_filesz)
			continue;
		*bias = at->start - at->offset - (header.p_vaddr - header.p_offset);
		return true;
	}
	return false;
}

/* A file that is no longer there, or is another one, is left out: its frames have no symbols, and are the last. */
static void report(struct stack_space *space, const struct text *text)
{
	int fd = open(text->path, O_RDONLY | O_CLOEXEC);
	uint64_t bias = 0;
	bool found;
	Elf *elf;

	if (fd < 0)
		return;
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	found = elf && find_bias(elf, &text->at, &bias);
	elf_end(elf);
	/* The module takes the descriptor. */
	if (!found || !dwfl_report_elf(space->dwfl, text->path, text->path, fd, bias, true))
		close(fd);
}

static bool is_among(const struct text *text, const struct text *texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (texts[i].at.start == text->at.start && texts[i].at.end == text->at.end &&
		    texts[i].at.offset == text->at.offset && strcmp(texts[i].path, text->path) == 0)
			return true;
	return false;
}

static struct text *read_texts(const struct items *items, size_t *count)
{
	struct text *texts = NULL;
	struct k23_text at;
	struct piece piece;
	size_t next = 0;

	*count = 0;
	while (memory_next_text(items, &next, &at, &piece)) {
		const char *path = (const char *)piece.data + sizeof(at);

		texts = must(realloc(texts, (*count + 1) * sizeof(*texts)));
		texts[(*count)++] = (struct text){ at, must(strndup(path, piece.size - sizeof(at))) };
	}
	return texts;
}

/* Modules are only ever added: if a text is gone, everything begins anew. */
void stack_space_set(struct stack_space **where, const struct items *items)
{
	struct stack_space *old = *where, *space = old;
	size_t count;
	struct text *texts = read_texts(items, &count);

	for (size_t i = 0; old && space && i < old->count; i++)
		if (!is_among(&old->texts[i], texts, count))
			space = NULL;
	if (!space) {
		stack_space_free(old);
		*where = space = must(calloc(1, sizeof(*space)));
		space->dwfl = must(dwfl_begin(&file_callbacks));
		elf_version(EV_CURRENT);
	}
	tdestroy(space->frames, free);
	space->frames = NULL;
	dwfl_report_begin_add(space->dwfl);
	for (size_t i = 0; i < count; i++)
		if (!is_among(&texts[i], space->texts, space->count))
			report(space, &texts[i]);
	dwfl_report_end(space->dwfl, NULL, NULL);
	free_texts(space->texts, space->count);
	space->texts = texts;
	space->count = count;
	if (!space->attached)
		space->attached = dwfl_attach_state(space->dwfl, NULL, THREAD, &thread_callbacks, space);
}

/* --- the frames of a call */

static const struct text *find_text(const struct stack_space *space, uint64_t address)
{
	for (size_t i = 0; i < space->count; i++)
		if (address - space->texts[i].at.start < space->texts[i].at.end - space->texts[i].at.start)
			return &space->texts[i];
	return NULL;
}

/* Sets the symbol of a frame. If the frame goes on behind a call, the function is that of the call: when a function
 * ends with the call of another one that does not return, what comes behind is no longer its own. */
static void add_symbol(struct stack_frame *frame, Dwfl_Module *module, bool behind_call)
{
	GElf_Sym symbol;
	GElf_Off offset;

	frame->symbol = dwfl_module_addrinfo(module, frame->address - behind_call, &offset, &symbol, NULL, NULL, NULL);
	frame->symbol_size = frame->symbol ? strcspn(frame->symbol, "@") : 0;
	frame->from_symbol = offset + behind_call;
}

static int compare_frames(const void *one, const void *other)
{
	const struct known_frame *a = one, *b = other;

	if (a->frame.address != b->frame.address)
		return a->frame.address < b->frame.address ? -1 : 1;
	return a->behind_call - b->behind_call;
}

/* What there is to know of a frame. Calls come from the same places again and again, and libdw looks through all of a
 * file's symbols for one. */
static const struct stack_frame *find_frame(struct stack_space *space, uint64_t address, bool behind_call)
{
	struct known_frame *frame = must(calloc(1, sizeof(*frame))), **found;
	Dwfl_Module *module = dwfl_addrmodule(space->dwfl, address);
	const struct text *text = find_text(space, address);

	frame->frame.address = address;
	frame->behind_call = behind_call;
	found = must(tsearch(frame, &space->frames, compare_frames));
	if (*found != frame) {
		free(frame);
		return &(*found)->frame;
	}
	if (text) {
		frame->frame.object = text->path;
		frame->frame.offset = address - text->at.start + text->at.offset;
	}
	if (text && module)
		add_symbol(&frame->frame, module, behind_call);
	return &frame->frame;
}

static int add_frame(Dwfl_Frame *state, void *argument)
{
	struct stack_space *space = argument;
	struct stack_frame *frame = &space->stack->frames[space->stack->count];
	Dwarf_Addr address;
	bool interrupted; /* or the innermost frame */

	if (space->stack->count == STACK_FRAMES || !dwfl_frame_pc(state, &address, &interrupted))
		return DWARF_CB_ABORT;
	space->stack->count++;
	*frame = *find_frame(space, address, !interrupted);
	return frame->object ? DWARF_CB_OK : DWARF_CB_ABORT;
}

void stack_walk(struct stack_space *space, const struct call *call, struct stack *stack)
{
	stack->count = 0;
	if (!space || !space->attached)
		return;
	space->call = call;
	space->stack = stack;
	dwfl_getthread_frames(space->dwfl, THREAD, add_frame, space);
}
