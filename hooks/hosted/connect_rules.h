/*
 * The rules of the hook connect, as they are written and as they are kept for all processes of the run.
 *
 *   tcp 10.0.0.1:80 -> 127.0.0.1:8080        udp [fd00::/8]:53 -> [::1]:5353
 *   tcp 10.0.0.0/8:* -> 127.0.0.1:*          unix /run/a.sock -> /tmp/b.sock
 */
#ifndef HOOKS_HOSTED_CONNECT_RULES_H
#define HOOKS_HOSTED_CONNECT_RULES_H

#include <k23/hook.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define RULES 1024u
#define LEAST_IN6 offsetof(struct sockaddr_in6, sin6_scope_id) /* for the kernel, too */

/* An address as calls have it: with room for all kinds that there are rules for. */
union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

struct end {
	union address address;
	uint32_t size;	 /* of a unix address */
	uint32_t prefix; /* so many bits of an address count */
	bool any_port;
};

struct rule {
	int type; /* SOCK_STREAM, SOCK_DGRAM; 0: any */
	struct end from, to;
};

struct rules {
	uint32_t count;
	struct rule rule[RULES];
};

static uint8_t *address_bytes(union address *address)
{
	return address->any.sa_family == AF_INET ? (uint8_t *)&address->in.sin_addr
						 : (uint8_t *)&address->in6.sin6_addr;
}

static in_port_t *address_port(union address *address)
{
	return address->any.sa_family == AF_INET ? &address->in.sin_port : &address->in6.sin6_port;
}

/* A whole number up to a limit; -1: it is none. */
static long number_in(const char *text, long most)
{
	char *rest;
	long number;

	if (!isdigit((unsigned char)*text))
		return -1;
	number = strtol(text, &rest, 10);
	return *rest || number > most ? -1 : number;
}

/* "10.0.0.0/8:80", "[fd00::1]:*". Returns NULL or what is wrong. */
static const char *parse_inet(struct end *end, char *text, bool to)
{
	char *port = strrchr(text, ':'), *host = text, *slash;
	bool six = *text == '[';
	long bits = six ? 128 : 32, number;

	if (six) {
		host++;
		port = strstr(host, "]:");
		if (port)
			*port++ = '\0';
	}
	if (!port)
		return "an address has no :PORT";
	*port++ = '\0';
	end->any_port = strcmp(port, "*") == 0;
	number = end->any_port ? 0 : number_in(port, 65535);
	if (number < 0)
		return "a port is neither a number up to 65535 nor *";
	slash = strchr(host, '/');
	if (slash && to)
		return "connections cannot go to a prefix";
	end->prefix = (uint32_t)bits;
	if (slash) {
		*slash = '\0';
		if (number_in(slash + 1, bits) < 0)
			return "the length of a prefix is no number of bits of the address";
		end->prefix = (uint32_t)number_in(slash + 1, bits);
	}
	end->address.any.sa_family = six ? AF_INET6 : AF_INET;
	if (inet_pton(end->address.any.sa_family, host, address_bytes(&end->address)) != 1)
		return six ? "what is in [] is no IPv6 address" : "there is no IPv4 address ([...] is for IPv6)";
	*address_port(&end->address) = htons((uint16_t)number);
	return NULL;
}

/* "/run/socket", or "@name" for an abstract one. */
static const char *parse_unix(struct end *end, const char *text)
{
	struct sockaddr_un *un = &end->address.un;
	size_t length = strlen(text);

	if (*text != '/' && *text != '@')
		return "the path of a unix socket begins with / or @";
	if (!text[1])
		return "the path of a unix socket has no name";
	if (length >= sizeof(un->sun_path))
		return "the path of a unix socket is too long";
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, text, length + 1);
	end->size = (uint32_t)(offsetof(struct sockaddr_un, sun_path) + length + (*text == '/'));
	if (*text == '@')
		un->sun_path[0] = '\0';
	return NULL;
}

static const char *parse_rule(struct rule *rule, char *line)
{
	static const char blanks[] = " \t\r\n";
	char *rest, *words[5] = { strtok_r(line, blanks, &rest) };
	const char *problem;
	size_t n = 0;

	while (words[n] && n < 4)
		words[++n] = strtok_r(NULL, blanks, &rest);
	if (n != 4 || words[4] || strcmp(words[2], "->") != 0)
		return "a rule is: tcp|udp|unix ADDRESS -> ADDRESS";
	if (strcmp(words[0], "unix") == 0) {
		problem = parse_unix(&rule->from, words[1]);
		return problem ? problem : parse_unix(&rule->to, words[3]);
	}
	if (strcmp(words[0], "tcp") != 0 && strcmp(words[0], "udp") != 0)
		return "a rule begins with tcp, udp or unix";
	rule->type = words[0][0] == 't' ? SOCK_STREAM : SOCK_DGRAM;
	problem = parse_inet(&rule->from, words[1], false);
	if (!problem)
		problem = parse_inet(&rule->to, words[3], true);
	if (!problem && rule->from.address.any.sa_family != rule->to.address.any.sa_family)
		problem = "IPv4 cannot become IPv6, nor IPv6 IPv4: the program has made its socket already";
	return problem;
}

/* Reads rules. Returns 0, or k23_refuse(). */
static int rules_read(struct rules *rules, const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned number = 0;
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	int r = 0;

	if (!file)
		return k23_refuse("%s: %s", path, strerror(errno));
	while (r == 0 && (length = getline(&line, &size, file)) >= 0) {
		const char *problem;

		number++;
		if (strlen(line) != (size_t)length) {
			r = k23_refuse("%s:%u: a rule is text, but there is a NUL byte", path, number);
			break;
		}
		line[strcspn(line, "#")] = '\0';
		if (!line[strspn(line, " \t\r\n")])
			continue;
		problem = rules->count == RULES ? "there are too many rules"
						: parse_rule(&rules->rule[rules->count], line);
		if (problem)
			r = k23_refuse("%s:%u: %s", path, number, problem);
		rules->count++;
	}
	if (r == 0 && ferror(file))
		r = k23_refuse("%s: %s", path, strerror(errno));
	free(line);
	fclose(file);
	return r;
}

/* ::ffff:10.0.0.1 is 10.0.0.1 for rules. */
static bool is_mapped(const union address *address)
{
	return address->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr);
}

static bool same_bits(const uint8_t *a, const uint8_t *b, uint32_t bits)
{
	uint8_t rest = (uint8_t)(0xff00 >> bits % 8);

	return memcmp(a, b, bits / 8) == 0 && ((a[bits / 8] ^ b[bits / 8]) & rest) == 0;
}

static bool rule_matches(struct rule *rule, union address *address, uint32_t size, int type)
{
	struct end *from = &rule->from;
	uint8_t bytes[17] = { 0 }, wanted[17] = { 0 }; /* one more than bits may lie in */
	size_t length;

	if ((rule->type && rule->type != type) ||
	    from->address.any.sa_family != (is_mapped(address) ? AF_INET : address->any.sa_family))
		return false;
	if (address->any.sa_family == AF_UNIX)
		return size == from->size && memcmp(&address->un, &from->address.un, size) == 0;
	length = from->address.any.sa_family == AF_INET ? 4 : 16;
	memcpy(bytes, address_bytes(address) + (is_mapped(address) ? 12 : 0), length);
	memcpy(wanted, address_bytes(&from->address), length);
	return (from->any_port || *address_port(&from->address) == *address_port(address)) &&
	       same_bits(bytes, wanted, from->prefix);
}

/* Puts another address in the place of one that a rule is for. A path is absolute, and has its NUL. Returns the size;
 * 0: no rule is for it. */
static uint32_t rules_apply(struct rules *rules, union address *address, uint32_t size, int type)
{
	struct rule *rule = rules->rule;
	bool mapped;

	switch (address->any.sa_family) {
	case AF_UNIX:
		break;
	case AF_INET:
	case AF_INET6:
		if (size < (address->any.sa_family == AF_INET ? sizeof(address->in) : LEAST_IN6))
			return 0;
		break;
	default:
		return 0;
	}
	while (rule < rules->rule + rules->count && !rule_matches(rule, address, size, type))
		rule++;
	if (rule == rules->rule + rules->count)
		return 0;
	if (address->any.sa_family == AF_UNIX) {
		address->un = rule->to.address.un;
		return rule->to.size;
	}
	mapped = is_mapped(address);
	memcpy(address_bytes(address) + (mapped ? 12 : 0), address_bytes(&rule->to.address),
	       rule->to.address.any.sa_family == AF_INET ? 4 : 16);
	if (!rule->to.any_port)
		*address_port(address) = *address_port(&rule->to.address);
	return size;
}

#endif
