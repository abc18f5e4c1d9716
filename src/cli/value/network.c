/*
 * Socket addresses, and what comes with messages.
 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cli/value/make.h"

#define ADDRESS_MAX 128

struct json_object *value_in6_addr(struct printer *to, const struct type *type, struct place place)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	(void)type;
	if (!memory_read(to->call, to->phase, place.address, &address, sizeof(address)))
		return value_unknown(place.address);
	return json_object_new_string(inet_ntop(AF_INET6, &address, text, sizeof(text)));
}

/* The path of a socket, of which not all need be there. If it begins with NUL, it is no path of a file, and goes on to
 * the end of the address. */
struct json_object *value_sun_path(struct printer *to, const struct type *type, struct place place)
{
	uint64_t length = to->left; /* of the address */
	unsigned char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	size_t size = length > 2 ? (size_t)(length - 2) : 0;

	(void)type;
	size = size < sizeof(path) ? size : sizeof(path);
	if (!memory_read(to->call, to->phase, place.address, path, size))
		return value_unknown(place.address);
	return value_bytes(path, size && path[0] ? strnlen((char *)path, size) : size, false);
}

struct json_object *value_socket_address(struct printer *to, const struct type *type, struct place place)
{
	uint64_t count = count_of(to, type), left = to->left;
	const struct field *family = type->of->members;
	unsigned char bytes[ADDRESS_MAX];
	struct json_object *value;

	count = count < sizeof(bytes) ? count : sizeof(bytes);
	if (count < sizeof(uint16_t) || !memory_read(to->call, to->phase, place.address, bytes, count))
		return value_address(to, type, (struct place){ place.address, 0 });
	to->left = count;
	if (count == sizeof(uint16_t)) {
		value = json_object_new_object();
		json_object_object_add(value, family->name, value_at(to, family->type, place.address, family->size));
	} else {
		value = value_struct(to, type->of, place);
	}
	to->left = left;
	return value;
}

static struct json_object *rights_of(struct printer *to, const unsigned char *data, size_t size)
{
	struct json_object *array = json_object_new_array();

	for (size_t at = 0; at + sizeof(int) <= size; at += sizeof(int)) {
		int fd;

		memcpy(&fd, data + at, sizeof(fd));
		json_object_array_add(array, value_descriptor(to, NULL, (struct place){ (uint64_t)fd, 0 }));
	}
	return array;
}

static struct json_object *credentials_of(const unsigned char *data)
{
	struct json_object *value = json_object_new_object();
	struct ucred who;

	memcpy(&who, data, sizeof(who));
	json_object_object_add(value, "pid", json_object_new_int(who.pid));
	json_object_object_add(value, "uid", json_object_new_int64(who.uid));
	json_object_object_add(value, "gid", json_object_new_int64(who.gid));
	return value;
}

static struct json_object *control_data(struct printer *to, const struct cmsghdr *head, const unsigned char *data,
					size_t size)
{
	size_t shown = size < to->options->string ? size : to->options->string;

	if (head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
		return rights_of(to, data, size);
	if (head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_CREDENTIALS && size >= sizeof(struct ucred))
		return credentials_of(data);
	return value_bytes(data, shown, size > shown);
}

static struct json_object *control_message(struct printer *to, const struct type *type, const struct cmsghdr *head,
					   const unsigned char *data, size_t size)
{
	const struct field *fields = type->of->members; /* of the level, and of the type on the level of sockets */
	struct json_object *value = json_object_new_object(), *kind;

	kind = head->cmsg_level == SOL_SOCKET ?
		       value_enumerator(to, fields[1].type, (struct place){ (uint32_t)head->cmsg_type, 0 }) :
		       json_object_new_int(head->cmsg_type);
	json_object_object_add(value, "cmsg_len", json_object_new_uint64(head->cmsg_len));
	json_object_object_add(value, "cmsg_level",
			       value_enumerator(to, fields[0].type, (struct place){ (uint32_t)head->cmsg_level, 0 }));
	json_object_object_add(value, "cmsg_type", kind);
	json_object_object_add(value, "cmsg_data", control_data(to, head, data, size));
	return value;
}

struct json_object *value_control_messages(struct printer *to, const struct type *type, struct place place)
{
	struct control_messages messages;
	struct json_object *array;

	if (!control_messages_read(to, type, place, &messages))
		return value_address(to, type, (struct place){ place.address, 0 });
	array = json_object_new_array();
	while (control_messages_next(&messages))
		json_object_array_add(array, control_message(to, type, &messages.head, messages.data, messages.size));
	return array;
}
