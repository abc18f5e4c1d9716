/*
 * Socket addresses, and what comes with messages.
 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cli/value/make.h"

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
	struct printer address = *to;
	const struct type *fields = begin_address(&address, type, place);

	if (!fields)
		return value_address(to, type, (struct place){ place.address, 0 });
	return value_struct(&address, fields, place);
}

struct json_object *value_control_messages(struct printer *to, const struct type *type, struct place place)
{
	struct control_messages messages;
	uint64_t rest = to->rest, address;
	struct json_object *array;

	if (!control_messages_begin(to, type, place, &messages))
		return value_address(to, type, (struct place){ place.address, 0 });
	array = json_object_new_array();
	while (control_messages_next(to, &messages, &address))
		json_object_array_add(array, value_struct(to, type->of, (struct place){ 0, address }));
	to->rest = rest;
	return array;
}
