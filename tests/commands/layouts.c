/*
 * The structures that `k23 trace` shows, as the headers have them, against those of the running kernel (BTF). A
 * structure that has grown, or that the kernel does not name, is told, and is no failure.
 */
#include <bpf/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct layout {
	const char *name, *member; /* no member: the structure itself */
	unsigned offset, size;
};

static const struct layout layouts[] = {
#include "layouts.inc"
};

#define SKIPPED 77

static const struct btf *kernel;

/* The type without typedefs and qualifiers. */
static const struct btf_type *resolve(__u32 id)
{
	const struct btf_type *type = btf__type_by_id(kernel, id);

	while (type && (btf_is_typedef(type) || btf_is_mod(type)))
		type = btf__type_by_id(kernel, type->type);
	return type;
}

/* Finds a member, by a path with dots, also in nameless members. */
static bool find_member(const struct btf_type *type, const char *path, unsigned bits, unsigned *offset, __u32 *found)
{
	size_t length = strcspn(path, ".");

	if (!type || !btf_is_composite(type))
		return false;
	for (__u32 i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *member = &btf_members(type)[i];
		const char *name = btf__name_by_offset(kernel, member->name_off);
		unsigned at = bits + btf_member_bit_offset(type, i);

		if (!*name && find_member(resolve(member->type), path, at, offset, found))
			return true;
		if (strlen(name) != length || strncmp(name, path, length) != 0)
			continue;
		if (path[length])
			return find_member(resolve(member->type), path + length + 1, at, offset, found);
		*offset = at / 8;
		*found = member->type;
		return true;
	}
	return false;
}

enum verdict { SAME, OTHER, UNKNOWN };

static enum verdict compare_type(const struct btf_type *type, const struct layout *layout)
{
	unsigned offset;
	__u32 member;
	__s64 size;

	if (!find_member(type, layout->member, 0, &offset, &member))
		return UNKNOWN;
	size = btf__resolve_size(kernel, member);
	if (offset == layout->offset && size > layout->size && btf_is_composite(resolve(member))) {
		printf("%s.%s has %lld bytes here, %u in the headers\n", layout->name, layout->member, (long long)size,
		       layout->size);
		return SAME;
	}
	return offset == layout->offset && size == layout->size ? SAME : OTHER;
}

/* The kernel may have several structures of the name: one of them has to be as the headers'. */
static enum verdict compare(const struct layout *layout)
{
	enum verdict verdict = UNKNOWN;

	for (__u32 id = 1; id < btf__type_cnt(kernel) && verdict != SAME; id++) {
		const struct btf_type *type = btf__type_by_id(kernel, id);

		if (strcmp(btf__name_by_offset(kernel, type->name_off), layout->name) != 0)
			continue;
		if (!layout->member) {
			type = resolve(id);
			if (!btf_is_composite(type))
				continue;
			if (type->size == layout->size)
				verdict = SAME;
			else
				printf("struct %s has %u bytes here, %u in the headers\n", layout->name, type->size,
				       layout->size);
		} else {
			enum verdict one = compare_type(resolve(id), layout);

			verdict = one == UNKNOWN ? verdict : one;
		}
	}
	return verdict;
}

int main(void)
{
	unsigned same = 0, wrong = 0;

	kernel = btf__load_vmlinux_btf();
	if (!kernel) {
		printf("skipped: the kernel's types cannot be read\n");
		return SKIPPED;
	}
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
		const struct layout *layout = &layouts[i];
		enum verdict verdict = compare(layout);

		same += verdict == SAME;
		if (layout->member && verdict == OTHER) {
			printf("%s.%s is not at %u with %u bytes\n", layout->name, layout->member, layout->offset,
			       layout->size);
			wrong++;
		}
	}
	printf("%u of %zu are the kernel's\n", same, sizeof(layouts) / sizeof(*layouts));
	/* Others are of drivers that this kernel does not have, or of no kernel's structure; but not most of them. */
	return wrong || same < sizeof(layouts) / sizeof(*layouts) / 3;
}
