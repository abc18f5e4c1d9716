#include "calls.h"

#include <linux/bpf.h>
#include <stddef.h>

#define ATTR(...) (&(union bpf_attr){ __VA_ARGS__ })
/* Without the padding at the end, which an initializer leaves as it was. */
#define SIZE (offsetof(union bpf_attr, core_relo_rec_size) + sizeof(__u32))
#define AT(pointer) ((uintptr_t)(pointer))

static const struct bpf_insn code[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K }, { .code = BPF_JMP | BPF_EXIT } };

static int programs(void)
{
	char log[100] = "log";
	int fd;

	fd = (int)CALL(bpf, BPF_PROG_LOAD, ATTR(.prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insn_cnt = 2,
						.insns = AT(code), .license = AT("GPL"), .prog_name = "name"), SIZE);
	CALL(bpf, BPF_PROG_LOAD, ATTR(.prog_type = 99, .insn_cnt = 2, .insns = 16, .license = 16, .log_level = 1,
				      .log_size = 100, .log_buf = AT(log), .kern_version = 0x60102, .prog_flags = 0x7f,
				      .expected_attach_type = BPF_CGROUP_SYSCTL), SIZE);
	CALL(bpf, BPF_PROG_LOAD, ATTR(.prog_type = BPF_PROG_TYPE_XDP), 48);
	CALL(bpf, BPF_PROG_TEST_RUN, ATTR(.test = { .prog_fd = (unsigned)-1, .data_size_in = 4, .repeat = 2 }), SIZE);
	CALL(bpf, BPF_PROG_ATTACH, ATTR(.target_fd = (unsigned)-1, .attach_bpf_fd = 7,
					.attach_type = BPF_CGROUP_SOCK_OPS,
					.attach_flags = BPF_F_ALLOW_MULTI | BPF_F_REPLACE), SIZE);
	CALL(bpf, BPF_PROG_DETACH, ATTR(.target_fd = (unsigned)-1, .attach_type = BPF_SK_LOOKUP), SIZE);
	CALL(bpf, BPF_PROG_QUERY, ATTR(.query = { .target_fd = (unsigned)-1, .query_flags = 3 }), SIZE);
	CALL(bpf, BPF_PROG_GET_NEXT_ID, ATTR(.start_id = 0), SIZE);
	CALL(bpf, BPF_PROG_GET_FD_BY_ID, ATTR(.prog_id = (unsigned)-2), SIZE);
	CALL(bpf, BPF_RAW_TRACEPOINT_OPEN, ATTR(.raw_tracepoint = { .name = AT("a name") }), SIZE);
	CALL(bpf, BPF_LINK_CREATE, ATTR(.link_create = { .prog_fd = (unsigned)-1, .attach_type = BPF_XDP }), SIZE);
	CALL(bpf, BPF_LINK_UPDATE, ATTR(.link_update = { .link_fd = (unsigned)-1, .flags = BPF_F_REPLACE }), SIZE);
	return fd;
}

static int maps(void)
{
	unsigned key = 1;
	long value = 2;
	int map;

	map = (int)CALL(bpf, BPF_MAP_CREATE, ATTR(.map_type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 8,
						  .max_entries = 3, .map_name = "a_map"), SIZE);
	CALL(bpf, BPF_MAP_CREATE, ATTR(.map_type = 200, .map_flags = BPF_F_NUMA_NODE | BPF_F_RDONLY | 0x8000,
				       .numa_node = 2), SIZE);
	CALL(bpf, BPF_MAP_CREATE, ATTR(.map_type = BPF_MAP_TYPE_ARRAY), 16);
	CALL(bpf, BPF_MAP_CREATE, ATTR(.map_type = BPF_MAP_TYPE_ARRAY), 2);
	CALL(bpf, BPF_MAP_CREATE, BAD, 16);
	CALL(bpf, BPF_MAP_UPDATE_ELEM, ATTR(.map_fd = (unsigned)map, .key = AT(&key), .value = AT(&value),
					    .flags = BPF_NOEXIST), 32);
	CALL(bpf, BPF_MAP_LOOKUP_ELEM, ATTR(.map_fd = (unsigned)map, .key = AT(&key), .value = AT(&value)), 24);
	CALL(bpf, BPF_MAP_LOOKUP_ELEM, ATTR(.map_fd = (unsigned)map, .key = AT(&key), .value = AT(&value),
					    .flags = BPF_F_LOCK), SIZE);
	CALL(bpf, BPF_MAP_GET_NEXT_KEY, ATTR(.map_fd = (unsigned)map, .key = AT(&key), .next_key = 16), SIZE);
	CALL(bpf, BPF_MAP_DELETE_ELEM, ATTR(.map_fd = (unsigned)map, .key = AT(&key), .flags = 5), SIZE);
	CALL(bpf, BPF_MAP_UPDATE_BATCH, ATTR(.batch = { .keys = 16, .values = 32, .count = 1, .map_fd = 99 }), SIZE);
	CALL(bpf, BPF_MAP_LOOKUP_BATCH, ATTR(.batch = { .keys = 16, .values = 32, .count = 1, .map_fd = 99 }), SIZE);
	CALL(bpf, BPF_MAP_DELETE_BATCH, ATTR(.batch = { .keys = 16, .count = 1, .map_fd = 99 }), SIZE);
	CALL(bpf, BPF_MAP_FREEZE, ATTR(.map_fd = (unsigned)map), SIZE);
	return map;
}

static void objects(int fd)
{
	unsigned char info[88];

	CALL(bpf, BPF_OBJ_PIN, ATTR(.pathname = AT("/nowhere/name"), .bpf_fd = 4), SIZE);
	CALL(bpf, BPF_OBJ_GET, ATTR(.pathname = AT("/nowhere/name"), .file_flags = BPF_F_RDONLY), 16);
	CALL(bpf, BPF_OBJ_GET_INFO_BY_FD, ATTR(.info = { .bpf_fd = (unsigned)fd, .info_len = sizeof(info),
							 .info = AT(info) }), SIZE);
	CALL(bpf, BPF_BTF_LOAD, ATTR(.btf = AT("data"), .btf_size = 4), SIZE);
	CALL(bpf, BPF_BTF_GET_FD_BY_ID, ATTR(.btf_id = (unsigned)-2), SIZE);
	CALL(bpf, BPF_LINK_GET_FD_BY_ID, ATTR(.link_id = (unsigned)-2), SIZE);
	CALL(bpf, 77, info, SIZE);
}

int main(void)
{
	int program = programs(), map = maps();

	objects(map);
	close(program);
	close(map);
	return 0;
}
