/*
 * Which sites calls come from, for `k23 stat`, in the table of k23/counters.h. The site of an address is asked for
 * once: k23_site() takes some microseconds.
 */
#ifndef HOOKS_STAT_SITES_H
#define HOOKS_STAT_SITES_H

#include <k23/counters.h>

#include "collector.h"

#define KNOWN 2048u /* a power of two */
#define PROBES 16u

/* Sites by address: address << 16 | site, or 0 for a free entry. If two threads add an address at once, it is there
 * twice. */
static uint64_t known_sites[KNOWN];
static uint32_t known_since; /* the value of k23_unmapped() for which they hold */

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0xff51afd7ed558ccdul;
	return hash ^ hash >> 32;
}

/* Finds the entry of a key in a table, or takes a free one for it. Each entry begins with its key. Returns the index;
 * `count` if there is no room. *taken: the entry is new. */
static uint32_t find_key(void *table, size_t size, uint32_t count, uint64_t key, int *taken)
{
	for (uint32_t n = 0; n < PROBES * 4; n++) {
		uint32_t i = (uint32_t)(key + n) % count;
		uint64_t *entry = (uint64_t *)((char *)table + i * size), free_entry = 0;

		*taken = 0;
		if (__atomic_load_n(entry, __ATOMIC_RELAXED) == key)
			return i;
		if (__atomic_load_n(entry, __ATOMIC_RELAXED))
			continue;
		*taken = __atomic_compare_exchange_n(entry, &free_entry, key, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
		if (*taken || free_entry == key)
			return i;
	}
	return count;
}

static uint64_t hash_path(const char *path, size_t size)
{
	uint64_t key = 1;

	for (size_t k = 0; k < size; k++)
		key = mix(key, (unsigned char)path[k]);
	return key | 1;
}

/* Keeps a text of a size. Returns where; K23_COUNTERS_TEXT: there is no room. */
static uint32_t add_text(struct k23_counters *counters, const char *text, size_t size)
{
	uint32_t at = __atomic_fetch_add(&counters->text_used, (uint32_t)size, __ATOMIC_RELAXED);

	if (at > K23_COUNTERS_TEXT || size > K23_COUNTERS_TEXT - at) {
		__atomic_fetch_sub(&counters->text_used, (uint32_t)size, __ATOMIC_RELAXED);
		return K23_COUNTERS_TEXT;
	}
	memcpy(counters->text + at, text, size);
	return at;
}

static uint32_t find_path(struct k23_counters *counters, const char *path, size_t size)
{
	uint32_t i, text;
	int taken;

	i = find_key(counters->paths, sizeof(counters->paths[0]), K23_COUNTERS_PATHS, hash_path(path, size), &taken);
	if (!taken)
		return i;
	text = add_text(counters, path, size);
	if (text == K23_COUNTERS_TEXT)
		return i; /* it stays nameless */
	counters->paths[i].text = text;
	__atomic_store_n(&counters->paths[i].known, 1, __ATOMIC_RELEASE);
	return i;
}

static uint32_t find_site(struct k23_counters *counters, const struct k23_call *call)
{
	char path[K23_PATH_MAX];
	unsigned long offset = 0;
	long length = k23_site(call, path, sizeof(path), &offset);
	uint32_t i, file = length > 0 ? find_path(counters, path, (size_t)length + 1) : K23_COUNTERS_PATHS;
	int taken;

	i = find_key(counters->sites, sizeof(counters->sites[0]), K23_COUNTERS_SITES, mix(mix(3, file), offset) | 1,
		     &taken);
	if (taken) {
		counters->sites[i].offset = offset;
		counters->sites[i].path = file;
		__atomic_store_n(&counters->sites[i].known, 1, __ATOMIC_RELEASE);
	}
	return i;
}

static void forget_unmapped(void)
{
	uint32_t now = k23_unmapped();

	if (now == __atomic_load_n(&known_since, __ATOMIC_RELAXED))
		return;
	for (uint32_t i = 0; i < KNOWN; i++)
		__atomic_store_n(&known_sites[i], 0, __ATOMIC_RELAXED);
	__atomic_store_n(&known_since, now, __ATOMIC_RELAXED);
}

static uint32_t site_of(struct k23_counters *counters, const struct k23_call *call)
{
	uint64_t hash = mix(0, call->ip);
	uint32_t site;

	forget_unmapped();
	for (uint32_t n = 0; n < PROBES; n++) {
		uint64_t *slot = &known_sites[(hash + n) % KNOWN], value = __atomic_load_n(slot, __ATOMIC_RELAXED);

		if (value >> 16 == call->ip)
			return (uint32_t)(value & 0xffff);
		if (value)
			continue;
		site = find_site(counters, call);
		__atomic_store_n(slot, (uint64_t)call->ip << 16 | site, __ATOMIC_RELAXED);
		return site;
	}
	return find_site(counters, call);
}

#endif
