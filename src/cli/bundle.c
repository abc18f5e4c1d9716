#include "cli/bundle.h"

#include <errno.h>
#include <k23/types.h>
#include <k23/world.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/bundle.h"
#include "abi/kernel.h"
#include "abi/nested.h"
#include "abi/alternative.h"
#include "abi/run_memory.h"
#include "abi/run_state.h"
#include "cli/flags.h"
#include "cli/gs.h"
#include "cli/hook_open.h"
#include "cli/hook_spec.h"
#include "cli/returns.h"
#include "cli/run_state.h"
#include "cli/self.h"
#include "cli/template.h"
#include "cli/vectors.h"
#include "core/build_id.h"
#include "core/page.h"
#include "sites/bytes.h"
#include "sites/store.h"
#include "version.h"

#define SHM_OWNER 0700 /* of the segment: nobody else */

/* What a world maps and writes to before it is ready; with .prepare that may be an interpreter. */
#define READY_SIZE (256u << 10)
#define READY_SIZE_PREPARED (16u << 20)

extern char runtime_elf[], runtime_elf_end[];

/* The bundle while it is built: the front grows, then the files' segments follow. */
struct builder {
	struct bundle *bundle; /* in front */
	size_t used, capacity;
	struct hook_file *files; /* the runtime's, then the hooks' */
	uint32_t *places;        /* where each lies in the bundle */
	size_t file_count;
};

static const struct k23_world *world_of(const struct hook_file *file)
{
	return hook_file_at(file, hook_file_symbol(file, "k23_world"), sizeof(struct k23_world));
}

/* Adds bytes, or zeros for NULL, to the front, and returns their offset. */
static uint32_t add_to_front(struct builder *builder, const void *data, size_t size)
{
	size_t at = (builder->used + 15) & ~(size_t)15;

	while (at + size > builder->capacity) {
		builder->capacity *= 2;
		builder->bundle = realloc(builder->bundle, builder->capacity);
		if (!builder->bundle)
			die(EXIT_K23, "out of memory");
	}
	memset((char *)builder->bundle + builder->used, 0, at - builder->used);
	if (data)
		memcpy((char *)builder->bundle + at, data, size);
	else
		memset((char *)builder->bundle + at, 0, size);
	builder->used = at + size;
	return (uint32_t)at;
}

/* What is added next begins a page. */
static void begin_page(struct builder *builder)
{
	uint32_t at = add_to_front(builder, NULL, 0);

	add_to_front(builder, NULL, core_page_up(at) - at);
}

/* Adds a hook's options "a=1,b=2" as strings one after the other, ended by an empty one. A backslash keeps the next
 * character. Returns their offset. */
static uint32_t add_options(struct builder *builder, const char *options)
{
	size_t size = strlen(options) + 2, n = 0;
	char *text = calloc(1, size);
	uint32_t offset;

	if (!text)
		die(EXIT_K23, "out of memory");
	for (const char *at = options; *at; at++) {
		if (*at == '\\' && at[1])
			text[n++] = *++at;
		else
			text[n++] = *at == ',' ? '\0' : *at;
	}
	offset = add_to_front(builder, text, size);
	free(text);
	return offset;
}

/* Adds the path of the site log, if sites are to be noted. */
static void add_site_log(struct builder *builder, const struct launch *launch)
{
	char *site_log;
	uint32_t offset;

	if (!launch->store || launch->no_learn)
		return;
	site_log = store_beside(launch->store, ".log");
	if (!site_log)
		die(EXIT_K23, "out of memory");
	offset = add_to_front(builder, site_log, strlen(site_log) + 1);
	builder->bundle->site_log = offset;
	free(site_log);
}

static void add_tool(struct builder *builder)
{
	char *path = self_path();
	uint32_t offset = path ? add_to_front(builder, path, strlen(path) + 1) : 0;

	builder->bundle->tool = offset;
	free(path);
}

static void open_files(struct builder *builder, const struct launch *launch)
{
	char *problem = NULL;

	builder->file_count = 1 + launch->hook_count;
	builder->files = calloc(builder->file_count, sizeof(*builder->files));
	builder->places = calloc(builder->file_count, sizeof(*builder->places));
	if (!builder->files || !builder->places)
		die(EXIT_K23, "out of memory");
	if (!hook_file_open_memory(&builder->files[0], "runtime", runtime_elf,
				   (size_t)(runtime_elf_end - runtime_elf), &problem))
		die(EXIT_K23, "this k23 is broken: in its runtime, %s", problem);
	for (size_t i = 0; i < launch->hook_count; i++) {
		const char *options;
		char *file = hook_spec_file(launch->hooks[i], &options);

		if (!hook_open(&builder->files[1 + i], file, !strchr(launch->hooks[i], '/'), &problem))
			die(EXIT_K23, "cannot use the hook %s: %s", file, problem);
	}
}

/* Gives the files their places from one on that are worlds, or that are none, and returns what is behind. */
static uint32_t place_files(struct builder *builder, bool hosted, uint32_t at)
{
	for (size_t i = 0; i < builder->file_count; i++) {
		if (builder->files[i].hosted != hosted)
			continue;
		if (builder->files[i].size > INT32_MAX / 2 - at)
			die(EXIT_K23, "the hooks are too large");
		builder->places[i] = at;
		at += (uint32_t)builder->files[i].size;
	}
	return at;
}

/* The room for what worlds are when they are ready. 0: each image has to start them. */
static uint32_t ready_room(const struct builder *builder)
{
	size_t size = 0;

	for (size_t i = 1; i < builder->file_count; i++) {
		const struct hook_file *file = &builder->files[i];

		if (!file->hosted)
			continue;
		if (!file->prepares && world_of(file)->flags & K23_WORLD_RANDOM)
			return 0;
		size += file->prepares ? READY_SIZE_PREPARED : READY_SIZE;
		for (size_t k = 0; k < file->segment_count; k++)
			if (file->segments[k].prot & PROT_WRITE)
				size += file->segments[k].size;
	}
	return size > INT32_MAX / 8 ? 0 : (uint32_t)size;
}

/* Gives all parts their places behind the front, worlds the last. What each image makes for itself begins with the
 * runtime's variables, which are the end of the runtime. */
static void place_parts(struct builder *builder, uint32_t front_size, size_t store_size)
{
	struct bundle *bundle = builder->bundle;
	const struct hook_file *runtime = &builder->files[0];

	bundle->worlds_start = place_files(builder, false, front_size);
	bundle->worlds_end = place_files(builder, true, bundle->worlds_start);
	bundle->private_start = front_size + (uint32_t)runtime->segments[runtime->segment_count - 1].address;
	bundle->regions = bundle->worlds_end;
	bundle->store = bundle->regions + (BUNDLE_REGIONS + 1) * BUNDLE_REGION_SIZE;
	bundle->store_size = (uint32_t)store_size;
	bundle->ready.room = bundle->store + (uint32_t)core_page_up(store_size);
	bundle->ready.room_size = ready_room(builder);
	bundle->size = bundle->ready.room + bundle->ready.room_size;
}

/* Adds the hooks' segments and their initial contents. Offsets of segments are relative to their file until it has a
 * place. */
static void add_segments(struct builder *builder)
{
	for (size_t i = 1; i < builder->file_count; i++)
		for (size_t k = 0; k < builder->files[i].segment_count; k++) {
			const struct hook_file_segment *segment = &builder->files[i].segments[k];
			struct bundle_segment entry = {
				.offset = (uint32_t)segment->address,
				.size = (uint32_t)segment->size,
				.prot = (uint32_t)segment->prot,
			};

			if (segment->contents_size) {
				entry.initial_size = (uint32_t)(segment->lead + segment->contents_size);
				if (builder->files[i].hosted && !(segment->prot & PROT_WRITE)) {
					begin_page(builder);
					entry.initial_size = entry.size;
				}
				entry.initial = add_to_front(builder, NULL, entry.initial_size);
				memcpy((char *)builder->bundle + entry.initial + segment->lead,
				       segment->contents, segment->contents_size);
			}
			if (builder->bundle->segment_count == BUNDLE_MAX_SEGMENTS)
				die(EXIT_K23, "the hooks have too many segments");
			builder->bundle->segments[builder->bundle->segment_count++] = entry;
		}
}

/* Writes the initial contents of a fixup's word: the file has its place in the bundle, the bundle has no address
 * yet. */
static void apply_fixup(struct builder *builder, const struct bundle_segment *segments, size_t index,
			const struct hook_file_fixup *fixup)
{
	uint64_t value = fixup->value + builder->places[index];

	for (size_t k = 0; k < builder->files[index].segment_count; k++)
		if (fixup->address >= segments[k].offset &&
		    fixup->address - segments[k].offset + 8 <= segments[k].initial_size)
			memcpy((char *)builder->bundle + segments[k].initial +
				       (fixup->address - segments[k].offset),
			       &value, 8);
}

static void settle_files(struct builder *builder, uint32_t *fixups)
{
	struct bundle_segment *segments = builder->bundle->segments;

	for (size_t i = 1; i < builder->file_count; i++) {
		const struct hook_file *file = &builder->files[i];

		for (size_t k = 0; k < file->fixup_count; k++) {
			apply_fixup(builder, segments, i, &file->fixups[k]);
			*fixups++ = builder->places[i] + (uint32_t)file->fixups[k].address;
		}
		for (size_t k = 0; k < file->segment_count; k++)
			segments[k].offset += builder->places[i];
		segments += file->segment_count;
	}
}

static void describe_runtime(struct builder *builder)
{
	const struct hook_file *runtime = &builder->files[0];
	struct bundle *bundle = builder->bundle;
	uint32_t place = builder->places[0];
	struct bytes bytes = { runtime->elf.bytes, runtime->elf.size };
	struct store_id id;

	bundle->runtime = place;
	bundle->start = place + (uint32_t)runtime->entry;
	bundle->carried = place + (uint32_t)hook_file_symbol(runtime, "rt_carried");
	bundle->gate = place + (uint32_t)hook_file_symbol(runtime, "rt_gate_page");
	for (size_t i = 0; i < runtime->segment_count; i++)
		if (runtime->segments[i].prot & PROT_EXEC) {
			bundle->runtime_text = place + (uint32_t)runtime->segments[i].address;
			bundle->runtime_text_size = (uint32_t)runtime->segments[i].size;
		}
	if (core_build_id(bytes_read, &bytes, &id) == 0)
		memcpy(bundle->runtime_id, id.bytes, sizeof(bundle->runtime_id));
}

static void describe_world(struct builder *builder, size_t i)
{
	const struct hook_file *file = &builder->files[1 + i];
	struct bundle *bundle = builder->bundle;
	struct bundle_world *world = &bundle->worlds[bundle->world_count];
	uint32_t place = builder->places[1 + i];
	Elf64_Ehdr header;

	if (bundle->world_count == BUNDLE_MAX_WORLDS)
		die(EXIT_K23, "more than %u hosted hooks: %s", BUNDLE_MAX_WORLDS, file->path);
	memcpy(&header, file->elf.bytes, sizeof(header));
	if (header.e_phentsize != sizeof(Elf64_Phdr) || file->segments[0].address || file->segments[0].lead)
		die(EXIT_K23, "cannot use the hook %s: its headers are not where it can see them", file->path);
	bundle->hooks[i].world = ++bundle->world_count;
	world->hook = (uint32_t)i;
	world->world = place + (uint32_t)hook_file_symbol(file, "k23_world");
	world->entry = place + (uint32_t)file->entry;
	world->headers = place + (uint32_t)header.e_phoff;
	world->header_count = header.e_phnum;
	bundle->state_size = vectors_size();
	bundle->flags |= vectors_flags();
}

static void describe_hook(struct builder *builder, size_t i)
{
	const struct hook_file *file = &builder->files[1 + i];
	struct bundle_hook *hook = &builder->bundle->hooks[i];
	uint32_t place = builder->places[1 + i];

	hook->descriptor = place + (uint32_t)hook_file_symbol(file, "k23_hook");
	hook->start = place;
	hook->end = place + (uint32_t)file->size;
	if (file->hosted)
		describe_world(builder, i);
	else
		hook->api = place + (uint32_t)hook_file_word(file, hook_file_symbol(file, "k23_hook_api"));
}

static void free_builder(struct builder *builder)
{
	for (size_t i = 0; i < builder->file_count; i++) {
		if (i)
			free((char *)builder->files[i].path);
		hook_file_close(&builder->files[i]);
	}
	free(builder->files);
	free(builder->places);
	free(builder->bundle);
}

static void add_memory(struct bundle *bundle, const struct run_memory *memory)
{
	bundle->memories[bundle->memory_count++] =
		(struct bundle_memory){ memory->cookie, memory->size, (uint64_t)memory };
}

/* The run state of this run's hooks, which are the first `count`. */
static void add_state(struct builder *builder, size_t count)
{
	struct bundle *bundle = builder->bundle;
	const char *problem = "";
	uint64_t size = 0;
	bool directory = false;

	for (size_t i = 0; i < count; i++) {
		const struct hook_file *file = &builder->files[1 + i];
		const struct k23_descriptor *descriptor =
			hook_file_at(file, hook_file_symbol(file, "k23_hook"), sizeof(*descriptor));

		if (!descriptor->run_size && !descriptor->run_directory)
			continue;
		directory |= descriptor->run_directory != 0;
		bundle->hooks[i].state = (uint32_t)(RUN_MEMORY_CONTENTS + RUN_STATE_PARTS + size);
		bundle->hooks[i].memory = bundle->memory_count;
		if (descriptor->run_size > INT32_MAX || size + descriptor->run_size > INT32_MAX)
			die(EXIT_K23, "the hooks want more than 2 GB of run state");
		size += core_page_up(descriptor->run_size);
	}
	if (size || directory) {
		const struct run_memory *memory = run_state_create(size, directory, &problem);

		if (!memory)
			die(EXIT_K23, "there is no memory for the run state of hooks: %s", problem);
		add_memory(bundle, memory);
	}
}

/* The run memories: this run's, and those of an outer k23, for whose hooks they are. */
static void add_memories(struct builder *builder, const struct launch *launch, const struct bundle *outer)
{
	const uint32_t outer_count = outer ? outer->hook_count : 0;
	const size_t own = launch->hook_count - outer_count;
	struct bundle *bundle = builder->bundle;

	if (launch->memory)
		add_memory(bundle, launch->memory);
	add_state(builder, own);
	for (uint32_t i = 0; i < outer_count; i++) {
		bundle->hooks[own + i].state = outer->hooks[i].state;
		bundle->hooks[own + i].memory = outer->hooks[i].memory + bundle->memory_count;
	}
	for (uint32_t i = 0; outer && i < outer->memory_count; i++) {
		if (bundle->memory_count == BUNDLE_MAX_MEMORIES)
			die(EXIT_K23, "more than %u commands that collect, or hooks with run state, one in the "
				      "other", BUNDLE_MAX_MEMORIES);
		bundle->memories[bundle->memory_count] = outer->memories[i];
		bundle->memories[bundle->memory_count++].address =
			(uint64_t)syscall(NESTED_NR, NESTED_OPTION, NESTED_MAGIC, NESTED_MEMORY, i);
	}
}

/* Whether shared memory may be used. A seccomp filter on this process may forbid it, and kill whoever tries: a child
 * tries first. */
static bool may_share(void)
{
	int status = 0, *id;
	pid_t child;

	if (prctl(PR_GET_SECCOMP) == 0)
		return true;
	id = mmap(NULL, CORE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (id == MAP_FAILED)
		die(EXIT_K23, "out of memory");
	*id = -1;
	child = fork();
	if (child == 0) {
		const void *memory;

		*id = shmget(IPC_PRIVATE, CORE_PAGE, IPC_CREAT | SHM_OWNER);
		memory = *id < 0 ? (void *)-1 : shmat(*id, NULL, SHM_RDONLY | SHM_EXEC);
		shmctl(__atomic_exchange_n(id, -1, __ATOMIC_RELAXED), IPC_RMID, NULL);
		_exit(memory == (void *)-1);
	}
	if (child > 0 && waitpid(child, &status, 0) != child)
		child = -1;
	if (*id >= 0)
		shmctl(*id, IPC_RMID, NULL); /* shmat killed the child, which left it */
	munmap(id, CORE_PAGE);
	return child > 0 && status == 0;
}

/* Memory for the bundle: a shared segment with its id, or with the id -1 memory of this process's own. */
static char *bundle_memory(const struct bundle *bundle, int *id)
{
	char *memory = MAP_FAILED;

	*id = may_share() ? shmget(IPC_PRIVATE, bundle->size, IPC_CREAT | SHM_NORESERVE | SHM_OWNER) : -1;
	if (*id >= 0) {
		memory = shmat(*id, NULL, 0);
		shmctl(*id, IPC_RMID, NULL); /* it goes when no process has it any more */
	}
	if (memory != MAP_FAILED)
		return memory;
	*id = -1;
	memory = mmap(NULL, bundle->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		die(EXIT_K23, "out of memory");
	return memory;
}

/* Replaces code of the runtime by the alternatives in an array. begin, end: its symbols. */
static void use_alternatives(const struct builder *builder, char *runtime, const char *begin, const char *end)
{
	const struct hook_file *file = &builder->files[0];
	const char *last = runtime + hook_file_symbol(file, end);

	for (const char *at = runtime + hook_file_symbol(file, begin); at < last; at += ALTERNATIVE_SIZE) {
		const struct alternative *other = (const struct alternative *)at;

		memcpy((char *)(uintptr_t)at + other->distance, other->code, other->size);
	}
}

static void fill_bundle(const struct builder *builder, const struct launch *launch, char *memory)
{
	const struct hook_file *runtime = &builder->files[0];

	bytes_populate(memory, builder->bundle->private_start);
	bytes_populate(memory + builder->bundle->store, launch->store_size);
	memcpy(memory, builder->bundle, builder->used);
	for (size_t k = 0; k < runtime->segment_count; k++) {
		const struct hook_file_segment *segment = &runtime->segments[k];

		if (!(segment->prot & PROT_WRITE))
			memcpy(memory + builder->places[0] + segment->address + segment->lead, segment->contents,
			       segment->contents_size);
	}
	if (builder->bundle->flags & BUNDLE_PAIRED)
		use_alternatives(builder, memory + builder->places[0], "rt_paired", "rt_paired_end");
	if (builder->bundle->flags & BUNDLE_GS_BY_CALL)
		use_alternatives(builder, memory + builder->places[0], "rt_gs_by_call", "rt_gs_by_call_end");
	if (launch->store_size)
		memcpy(memory + builder->bundle->store, launch->store_bytes, launch->store_size);
}

/* The offset of a `syscall` in the vDSO, which is the same in every process; 0: there is none. */
static uint32_t vdso_syscall(void)
{
	const uint8_t *vdso = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);

	for (uint32_t i = sizeof(Elf64_Ehdr); vdso && i < CORE_PAGE; i++)
		if (vdso[i] == 0x0f && vdso[i + 1] == 0x05)
			return i;
	return 0;
}

/* What the front will mostly not be larger than: with all segments' initial contents, and some more. */
static size_t capacity_for(const struct builder *builder)
{
	size_t size = 16 << 10;

	for (size_t i = 1; i < builder->file_count; i++)
		for (size_t k = 0; k < builder->files[i].segment_count; k++)
			size += builder->files[i].segments[k].lead + builder->files[i].segments[k].contents_size;
	return size;
}

const struct bundle *bundle_build(const struct launch *launch, const struct bundle *outer)
{
	struct builder builder = { .used = sizeof(struct bundle) };
	uint32_t front_size, fixups;
	size_t fixup_count = 0;
	uint32_t *fixup_table;
	char *memory;

	if (launch->hook_count > BUNDLE_MAX_HOOKS)
		die(EXIT_K23, "more than %u hooks", BUNDLE_MAX_HOOKS);
	open_files(&builder, launch);
	builder.capacity = capacity_for(&builder);
	builder.bundle = malloc(builder.capacity);
	if (!builder.bundle)
		die(EXIT_K23, "out of memory");
	bytes_populate(builder.bundle, builder.capacity);
	memset(builder.bundle, 0, builder.used);
	builder.bundle->magic = BUNDLE_MAGIC;
	builder.bundle->version = BUNDLE_VERSION;
	builder.bundle->flags = (launch->foreign ? BUNDLE_FOREIGN : 0) | (launch->eager ? BUNDLE_EAGER : 0) |
				(launch->profile ? BUNDLE_PROFILE : 0) | (launch->no_patch ? BUNDLE_NO_PATCH : 0) |
				(returns_choose(launch->returns, outer) ? BUNDLE_PAIRED : 0) |
				(gs_by_call(launch->gs, outer) ? BUNDLE_GS_BY_CALL : 0) |
				(flags_are_lost(outer) ? BUNDLE_FLAGS_LOST : 0) |
				(launch->untraced ? BUNDLE_UNTRACED : 0) | (launch->unmet ? BUNDLE_UNMET : 0);
	add_site_log(&builder, launch);
	add_tool(&builder);
	add_memories(&builder, launch, outer);
	builder.bundle->hook_count = (uint32_t)launch->hook_count;
	builder.bundle->vdso_syscall = vdso_syscall();
	if (getrandom(&builder.bundle->unique, sizeof(builder.bundle->unique), 0) != sizeof(builder.bundle->unique))
		die(EXIT_K23, "this kernel has no random numbers: %s", strerror(errno));
	for (size_t i = 0; i < launch->hook_count; i++) {
		const char *options;
		char *file = hook_spec_file(launch->hooks[i], &options);
		uint32_t name = add_to_front(&builder, file, strlen(file) + 1);
		uint32_t text = add_options(&builder, options);

		builder.bundle->hooks[i].file = name;
		builder.bundle->hooks[i].options = text;
		free(file);
	}
	add_segments(&builder);
	for (size_t i = 1; i < builder.file_count; i++)
		fixup_count += builder.files[i].fixup_count;
	fixups = add_to_front(&builder, NULL, fixup_count * sizeof(uint32_t));
	builder.bundle->fixups = fixups;
	builder.bundle->fixup_count = (uint32_t)fixup_count;
	front_size = (uint32_t)core_page_up(builder.used);

	place_parts(&builder, front_size, launch->store_size);
	fixup_table = (uint32_t *)((char *)builder.bundle + fixups);
	settle_files(&builder, fixup_table);
	describe_runtime(&builder);
	for (size_t i = 0; i < launch->hook_count; i++)
		describe_hook(&builder, i);
	memory = bundle_memory(builder.bundle, &builder.bundle->shared_id);
	fill_bundle(&builder, launch, memory);
	free_builder(&builder);
	if (!outer)
		template_run((struct bundle *)memory);
	return (const struct bundle *)memory;
}
