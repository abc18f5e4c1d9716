/*
 * The places that k23 inject --explore reports, as functions and lines.
 */
#include <elfutils/libdwfl.h>
#include <gelf.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/inject/explore.h"

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.section_address = dwfl_offline_section_address,
};

/* Files that were asked for. */
static struct {
	Dwfl *dwfl;
	struct file {
		char *path;
		Dwfl_Module *module; /* NULL: nothing is known of it */
	} *files;
	size_t count;
} known;

static Dwfl_Module *find_module(const char *path)
{
	Dwfl_Module *module;

	for (size_t i = 0; i < known.count; i++)
		if (strcmp(known.files[i].path, path) == 0)
			return known.files[i].module;
	if (!known.dwfl)
		known.dwfl = dwfl_begin(&callbacks);
	if (!known.dwfl)
		return NULL;
	dwfl_report_begin_add(known.dwfl);
	module = dwfl_report_offline(known.dwfl, path, path, -1);
	dwfl_report_end(known.dwfl, NULL, NULL);
	known.files = reallocarray(known.files, known.count + 1, sizeof(*known.files));
	if (!known.files)
		die(EXIT_K23, "out of memory");
	known.files[known.count++] = (struct file){ strdup(path), module };
	return module;
}

/* The address that libdw has for an offset in a file; 0: there is none. */
static uint64_t find_address(Dwfl_Module *module, uint64_t offset)
{
	GElf_Addr bias;
	Elf *elf = dwfl_module_getelf(module, &bias);
	size_t count = 0;

	elf_getphdrnum(elf, &count);
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr header;

		if (gelf_getphdr(elf, (int)i, &header) && header.p_type == PT_LOAD && offset >= header.p_offset &&
		    offset - header.p_offset < header.p_filesz)
			return bias + header.p_vaddr + (offset - header.p_offset);
	}
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What is known of an address in a file. */
struct frame {
	const char *path, *function, *source; /* NULL: not known */
	uint64_t offset;
	int line;
};

/* The offset is one in the instruction that makes the call, of the system or of a function. */
static struct frame find_frame(const char *path, uint64_t offset)
{
	struct frame frame = { .path = path, .offset = offset };
	Dwfl_Module *module = find_module(path);
	uint64_t address = module ? find_address(module, offset) : 0;
	GElf_Off from = 0;
	Dwfl_Line *source;
	GElf_Sym symbol;

	if (!address)
		return frame;
	frame.function = dwfl_module_addrinfo(module, address, &from, &symbol, NULL, NULL, NULL);
	source = dwfl_module_getsrc(module, address);
	frame.source = source ? dwfl_lineinfo(source, NULL, &frame.line, NULL, NULL, NULL) : NULL;
	return frame;
}

/* Calls a function for each address of a place. */
static void for_each_frame(const char *place, void (*take)(void *to, const struct frame *frame), void *to)
{
	char *text = strdup(place), *rest = text, *part;

	if (!text)
		die(EXIT_K23, "out of memory");
	while ((part = strsep(&rest, "\n"))) {
		char *offset = strrchr(part, '+');
		struct frame frame;

		if (!offset)
			continue;
		*offset++ = '\0';
		frame = find_frame(part, strtoull(offset, NULL, 16));
		take(to, &frame);
	}
	free(text);
}

static void print_frame(void *to, const struct frame *frame)
{
	const char **separator = to;

	fputs(*separator, stdout);
	*separator = " < ";
	if (frame->function)
		printf("%s ", frame->function);
	if (frame->source)
		printf("%s:%d ", base_name(frame->source), frame->line);
	printf("(%s+0x%llx)", base_name(frame->path), (unsigned long long)frame->offset);
}

void explore_print_place(const char *place)
{
	const char *separator = "";

	for_each_frame(place, print_frame, &separator);
}

static void add_frame(void *array, const struct frame *frame)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "file", json_object_new_string(frame->path));
	json_object_object_add(object, "offset", json_object_new_uint64(frame->offset));
	json_object_object_add(object, "function", frame->function ? json_object_new_string(frame->function) : NULL);
	json_object_object_add(object, "source", frame->source ? json_object_new_string(frame->source) : NULL);
	json_object_object_add(object, "line", frame->source ? json_object_new_int(frame->line) : NULL);
	json_object_array_add(array, object);
}

struct json_object *explore_json_place(const char *place)
{
	struct json_object *array = json_object_new_array();

	for_each_frame(place, add_frame, array);
	return array;
}

void explore_forget_places(void)
{
	for (size_t i = 0; i < known.count; i++)
		free(known.files[i].path);
	free(known.files);
	if (known.dwfl)
		dwfl_end(known.dwfl);
	memset(&known, 0, sizeof(known));
}
