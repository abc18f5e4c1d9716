/*
 * What programs have asked for, and where that went instead: by the kernel's cookie of the socket, which is the same in
 * all processes, whatever descriptors it has there, and never another socket's.
 */
#ifndef HOOKS_HOSTED_CONNECT_ASKED_H
#define HOOKS_HOSTED_CONNECT_ASKED_H

#include "connect_rules.h"

#define ASKED_SETS 512u
#define ASKED_WAYS 8u

struct asked {
	uint64_t cookie; /* 0: free */
	bool connected;
	uint32_t size;
	union address asked, went;
};

struct asked_table {
	struct k23_lock lock;
	uint32_t used;		   /* whether there has been any */
	uint32_t next[ASKED_SETS]; /* the one that gives way */
	struct asked set[ASKED_SETS][ASKED_WAYS];
};

static uint64_t cookie_of(int fd)
{
	socklen_t size = sizeof(uint64_t);
	uint64_t cookie = 0;

	k23_syscall(SYS_getsockopt, (unsigned)fd, SOL_SOCKET, SO_COOKIE, (unsigned long)&cookie,
		    (unsigned long)&size, 0);
	return cookie;
}

static bool same_address(const union address *a, const union address *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->in.sin_port == b->in.sin_port && a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	if (a->any.sa_family == AF_INET6)
		return a->in6.sin6_port == b->in6.sin6_port &&
		       memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr)) == 0;
	return a->any.sa_family == AF_UNIX && memcmp(&a->un, &b->un, sizeof(a->un)) == 0;
}

/* By where it went; NULL: what it is connected to. */
static struct asked *asked_find(struct asked_table *table, uint64_t cookie, const union address *went)
{
	struct asked *set = table->set[cookie % ASKED_SETS];

	for (uint32_t i = 0; cookie && i < ASKED_WAYS; i++)
		if (set[i].cookie == cookie && (went ? same_address(&set[i].went, went) : set[i].connected))
			return &set[i];
	return NULL;
}

/* Nothing of this kind holds any more. */
static void asked_forget(struct asked_table *table, int fd, const union address *went)
{
	uint64_t cookie = __atomic_load_n(&table->used, __ATOMIC_RELAXED) ? cookie_of(fd) : 0;
	struct asked *found;

	if (!cookie)
		return;
	k23_lock(&table->lock);
	while ((found = asked_find(table, cookie, went)))
		found->cookie = 0;
	k23_unlock(&table->lock);
}

static void asked_note(struct asked_table *table, int fd, bool connected, const struct asked *entry)
{
	uint64_t cookie = cookie_of(fd);
	struct asked *to;

	if (!cookie)
		return;
	k23_lock(&table->lock);
	to = asked_find(table, cookie, connected ? NULL : &entry->went);
	if (!to)
		to = &table->set[cookie % ASKED_SETS][table->next[cookie % ASKED_SETS]++ % ASKED_WAYS];
	*to = *entry;
	to->cookie = cookie;
	to->connected = connected;
	__atomic_store_n(&table->used, 1, __ATOMIC_RELAXED);
	k23_unlock(&table->lock);
}

/* What was asked for, in place of where it went. False: nothing else. */
static bool asked_get(struct asked_table *table, int fd, const union address *went, struct asked *entry)
{
	uint64_t cookie = __atomic_load_n(&table->used, __ATOMIC_RELAXED) ? cookie_of(fd) : 0;
	const struct asked *found;

	if (!cookie)
		return false;
	k23_lock(&table->lock);
	found = asked_find(table, cookie, went);
	if (found)
		*entry = *found;
	k23_unlock(&table->lock);
	return found != NULL;
}

#endif
