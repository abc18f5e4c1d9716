/*
 * Socket addresses, and what comes with messages.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cli/render/printer.h"

#define ADDRESS_MAX 128
#define MESSAGES_MAX 4096

static void print_plain(struct printer *to, const char *text)
{
	print_text(to, (const unsigned char *)text, strlen(text), false);
}

void print_port(struct printer *to, const struct type *type, struct place place)
{
	uint16_t port = (uint16_t)place.value;

	(void)type;
	if (!begin_coded(to, &port, sizeof(port)))
		return;
	line_add(to->line, "htons(%u)", ntohs(port));
	end_coded(to);
}

void print_htonl(struct printer *to, const struct type *type, struct place place)
{
	uint32_t number = (uint32_t)place.value;

	(void)type;
	if (!begin_coded(to, &number, sizeof(number)))
		return;
	line_add(to->line, "htonl(%u)", ntohl(number));
	end_coded(to);
}

void print_in_addr(struct printer *to, const struct type *type, struct place place)
{
	struct in_addr address = { (uint32_t)place.value };
	char text[INET_ADDRSTRLEN];

	(void)type;
	if (!begin_coded(to, &address, sizeof(address)))
		return;
	line_text(to->line, "inet_addr(");
	print_plain(to, inet_ntop(AF_INET, &address, text, sizeof(text)));
	line_char(to->line, ')');
	end_coded(to);
}

/* member: the name that the address has within the call that is shown; or NULL. */
static void add_inet6(struct printer *to, const struct in6_addr *address, const char *member)
{
	char text[INET6_ADDRSTRLEN];

	if (!begin_coded(to, address, sizeof(*address)))
		return;
	line_text(to->line, "inet_pton(AF_INET6, ");
	print_plain(to, inet_ntop(AF_INET6, address, text, sizeof(text)));
	if (member)
		line_add(to->line, ", &%s", member);
	line_char(to->line, ')');
	end_coded(to);
}

/* An address that is shown with the name of the member that it is. */
void print_in6_addr(struct printer *to, const struct type *type, struct place place)
{
	bool alone = to->options->constants == CONSTANTS_ABBREV;
	struct in6_addr address;

	if (!memory_read(to->call, to->phase, place.address, &address, sizeof(address)))
		return;
	if (!alone)
		line_add(to->line, "%s=", type->unknown);
	add_inet6(to, &address, alone ? type->unknown : NULL);
}

/* An address that is no member of a socket's. */
void print_inet6(struct printer *to, const struct type *type, struct place place)
{
	struct in6_addr address;

	if (memory_read(to->call, to->phase, place.address, &address, sizeof(address)))
		add_inet6(to, &address, NULL);
	else
		print_address(to, type, (struct place){ place.address, 0 });
}

void print_packet_protocol(struct printer *to, const struct type *type, struct place place)
{
	uint16_t protocol = (uint16_t)place.value;

	if (!begin_coded(to, &protocol, sizeof(protocol)))
		return;
	line_text(to->line, "htons(");
	print_by_name(to, type->of, (struct place){ ntohs(protocol), 0 });
	line_char(to->line, ')');
	end_coded(to);
}

/* A number in network byte order, or a constant, shown as the user wants it. */
void print_htons(struct printer *to, const struct type *type, struct place place)
{
	uint16_t number = ntohs((uint16_t)place.value);

	line_text(to->line, "htons(");
	if (type->of)
		print_enumerator(to, type->of, (struct place){ number, 0 });
	else
		line_unsigned(to->line, number);
	line_char(to->line, ')');
}

/* Of other addresses than link-local ones, the scope is no interface. */
void print_sin6_scope(struct printer *to, const struct type *type, struct place place)
{
	struct in6_addr address;

	if (memory_read(to->call, to->phase, place.address - sizeof(address), &address, sizeof(address)) &&
	    (IN6_IS_ADDR_LINKLOCAL(&address) || IN6_IS_ADDR_MC_LINKLOCAL(&address)))
		print_interface(to, type, place);
	else
		line_unsigned(to->line, place.value);
}

void print_interface(struct printer *to, const struct type *type, struct place place)
{
	enum render_constants constants = to->options->constants;
	char name[IF_NAMESIZE];
	bool known = place.value && constants != CONSTANTS_RAW && if_indextoname((unsigned)place.value, name);

	(void)type;
	if (!known || constants == CONSTANTS_VERBOSE)
		line_unsigned(to->line, place.value);
	if (!known)
		return;
	line_text(to->line, constants == CONSTANTS_VERBOSE ? " /* if_nametoindex(" : "if_nametoindex(");
	print_plain(to, name);
	line_text(to->line, constants == CONSTANTS_VERBOSE ? ") */" : ")");
}

void print_groups(struct printer *to, const struct type *type, struct place place)
{
	line_add(to->line, "%#0*llx", 2 * (int)type->size, (unsigned long long)place.value);
}

/* The path of a socket, of which not all need be there; one that begins with NUL is no path of a file. */
void print_sun_path(struct printer *to, const struct type *type, struct place place)
{
	uint64_t length = to->left; /* of the address */
	unsigned char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	size_t size = length > 2 ? (size_t)(length - 2) : 0;

	(void)type;
	size = size < sizeof(path) ? size : sizeof(path);
	if (!size || !memory_read(to->call, to->phase, place.address, path, size))
		return;
	line_text(to->line, path[0] ? "sun_path=" : "sun_path=@");
	print_text(to, path + !path[0], path[0] ? strnlen((char *)path, size) : size - 1, false);
}

const struct type *begin_address(struct printer *to, const struct type *type, struct place place)
{
	uint64_t count = count_of(to, type);
	const struct field *family = type->of->members;
	const struct type *fields;

	count = count < ADDRESS_MAX ? count : ADDRESS_MAX;
	if (count < family->size || !is_readable(to, place.address, count))
		return NULL;
	to->base = place.address;
	to->left = to->rest = count;
	to->extended = type->of;
	to->end = place.address + count;
	fields = choose_type(to, family->type);
	return needed_of(fields) <= count ? fields : default_of(family);
}

void print_socket_address(struct printer *to, const struct type *type, struct place place)
{
	struct printer address = *to;
	const struct type *fields = begin_address(&address, type, place);

	if (fields)
		print_struct(&address, fields, place);
	else
		print_address(to, type, (struct place){ place.address, 0 });
}

/* The room for an address, and, if it is another number, the length that it has. */
void print_socket_length(struct printer *to, const struct type *type, struct place place)
{
	int after = 0;

	(void)type;
	line_signed(to->line, (int)place.value);
	if (call_succeeded(to->call) &&
	    memory_read(to->call, PHASE_EXIT, place.address, &after, sizeof(after)) && after != (int)place.value) {
		line_text(to->line, " => ");
		line_signed(to->line, after);
	}
}

static void add_size_of_interfaces(struct printer *to, int size)
{
	static const int one = 40; /* bytes of a struct ifreq */

	line_signed(to->line, size);
	if (size > 0 && size % one == 0)
		line_add(to->line, " /* %d * sizeof(struct ifreq) */", size / one);
}

/* The room for interfaces, and, if it is another number, what they have taken. */
void print_ifconf_length(struct printer *to, const struct type *type, struct place place)
{
	bool asked = read_number(to, place.address + sizeof(uint64_t), sizeof(uint64_t), false) == 0;
	int before;

	(void)type;
	if (!asked && memory_read(to->call, PHASE_ENTRY, place.address, &before, sizeof(before)) &&
	    before != (int)place.value) {
		add_size_of_interfaces(to, before);
		line_text(to->line, " => ");
	}
	add_size_of_interfaces(to, (int)place.value);
}

bool control_messages_begin(struct printer *to, const struct type *type, struct place place,
			    struct control_messages *messages)
{
	const struct field *fields = type->of->members;
	uint64_t count = count_of(to, type);

	*messages = (struct control_messages){ type->of, place.address, count < MESSAGES_MAX ? count : MESSAGES_MAX };
	return messages->left >= fields[type->of->member_count - 1].offset &&
	       is_readable(to, place.address, messages->left);
}

bool control_messages_next(struct printer *to, struct control_messages *messages, uint64_t *address)
{
	const struct field *length, *data;
	uint64_t stated, size;

	if (!messages->of)
		return false;
	length = messages->of->members;
	data = &length[messages->of->member_count - 1];
	if (messages->left < data->offset)
		return false;
	*address = messages->address;
	stated = read_number(to, messages->address, length->size, false);
	size = stated < messages->left ? stated : messages->left;
	to->rest = size < data->offset ? 0 : size - data->offset;
	/* The next one is at a multiple of the length's size. None is found behind one that is shorter than itself. */
	if (size < data->offset) {
		messages->address += data->offset;
		messages->left -= data->offset;
		messages->of = NULL;
	} else {
		size = (size + length->size - 1) & ~(uint64_t)(length->size - 1);
		size = size < messages->left ? size : messages->left;
		messages->address += size;
		messages->left -= size;
	}
	return true;
}

void print_control_messages(struct printer *to, const struct type *type, struct place place)
{
	struct control_messages messages;
	uint64_t rest = to->rest, address;

	if (!control_messages_begin(to, type, place, &messages)) {
		print_address(to, type, (struct place){ place.address, 0 });
		return;
	}
	line_char(to->line, '[');
	for (bool first = true; control_messages_next(to, &messages, &address); first = false) {
		line_text(to->line, first ? "" : ", ");
		print_struct(to, type->of, (struct place){ 0, address });
	}
	if (messages.left)
		line_add(to->line, ", ... /* %#llx */", (unsigned long long)messages.address);
	line_char(to->line, ']');
	to->rest = rest;
}
