/*
 * For fd_program.c: /object/N is an object with the number N. Reading it gives its number; call 500 says which one a
 * descriptor is.
 */
#include <k23/fd.h>

struct object {
	uint64_t number;
};

static long on_openat(struct k23_call *call)
{
	static const char root[] = "/object/";
	struct object object = { 0 };
	char path[64];

	if (k23_copy_string(path, sizeof(path), call->args[1]) <= 0 || !k23_starts_with(path, root))
		return k23_forward(call);
	for (const char *digit = path + sizeof(root) - 1; *digit; digit++)
		object.number = object.number * 10 + (unsigned)(*digit - '0');
	return k23_fd_open((struct k23_fds *)k23_run_state(), &object, sizeof(object), (unsigned)call->args[2]);
}

static long on_read(struct k23_call *call)
{
	struct object object;
	char text[32];
	long length;

	if (k23_fd_object((struct k23_fds *)k23_run_state(), (int)call->args[0], &object, sizeof(object)) != 0)
		return k23_forward(call);
	length = k23_format(text, sizeof(text), "%lu", (unsigned long)object.number);
	return k23_copy_to(call->args[1], text, (size_t)length) ? -EFAULT : length;
}

static long on_500(struct k23_call *call)
{
	struct object object;
	long r = k23_fd_object((struct k23_fds *)k23_run_state(), (int)call->args[0], &object, sizeof(object));

	return r ? r : (long)object.number;
}

K23_HOOK(fd, .run_size = sizeof(struct k23_fds),
	.calls = { { SYS_openat, on_openat }, { SYS_read, on_read }, { 500, on_500 } });
