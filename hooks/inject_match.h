/*
 * Which calls a rule of the hook `inject` is about, by their arguments.
 */
#ifndef HOOKS_INJECT_MATCH_H
#define HOOKS_INJECT_MATCH_H

#include <k23/place.h>

#include "inject_rules.h"

/* Whether a path matches a pattern, in which * stands for any bytes and ? for one; \ takes what follows as it is. */
static int matches_pattern(const char *pattern, const char *text)
{
	const char *star = NULL, *from = text;

	while (*text) {
		const char *literal = *pattern == '\\' && pattern[1] ? pattern + 1 : pattern;

		if (*pattern == '*') {
			star = ++pattern;
			from = text;
		} else if (*literal == *text || *pattern == '?') {
			pattern = literal + 1;
			text++;
		} else if (star) {
			pattern = star;
			text = ++from;
		} else {
			return 0;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

static int matches_path(const struct k23_inject_item *item, const char *path)
{
	return item->how == K23_INJECT_AS_IS ? k23_strcmp(item_data(item), path) == 0
					     : matches_pattern(item_data(item), path);
}

static int is_descriptor(uint8_t kind)
{
	return kind == K23_FD || kind == K23_DIRFD;
}

/* Whether what a descriptor is open on is one of the rule's paths. */
static int matches_open(const struct k23_inject_item *item, int fd)
{
	char link[40], path[K23_PATH_MAX];
	long size;

	if (fd < 0)
		return 0;
	k23_format(link, sizeof(link), "/proc/thread-self/fd/%d", fd);
	size = k23_syscall(SYS_readlink, (unsigned long)link, (unsigned long)path, sizeof(path) - 1, 0, 0, 0);
	if (size < 0)
		return 0;
	path[size] = '\0';
	return matches_path(item, path);
}

static int matches_argument_path(const struct k23_inject_item *item, const struct k23_call *call, unsigned i, int dirfd)
{
	char path[K23_PATH_MAX], absolute[K23_PATH_MAX];

	if (!call->args[i] || k23_copy_string(path, sizeof(path), call->args[i]) < 0)
		return 0;
	if (item->how == K23_INJECT_AS_IS)
		return matches_path(item, path);
	return *path && k23_path_absolute(absolute, sizeof(absolute), dirfd, path) > 0 && matches_path(item, absolute);
}

/* Whether one of the call's paths and descriptors is one of the rule's, if it has any. */
static int matches_paths(const struct k23_inject_rule *rule, const struct k23_call *call)
{
	const struct k23_inject_item *item = item_next(rule, NULL, K23_INJECT_PATH);
	const struct k23_syscall_info *info = item ? k23_describe(call) : NULL;

	if (!item)
		return 1;
	for (; item; item = item_next(rule, item, K23_INJECT_PATH)) {
		int dirfd = AT_FDCWD;

		for (unsigned i = 0; info && i < info->args; i++) {
			if (info->kind[i] == K23_PATH && matches_argument_path(item, call, i, dirfd))
				return 1;
			/* The directory that a path is relative to is what the path says. */
			if (info->kind[i] == K23_DIRFD)
				dirfd = (int)call->args[i];
			if ((info->kind[i] == K23_FD ||
			     (info->kind[i] == K23_DIRFD && item->how == K23_INJECT_AS_IS)) &&
			    matches_open(item, (int)call->args[i]))
				return 1;
		}
	}
	return 0;
}

static int matches_descriptors(const struct k23_inject_rule *rule, const struct k23_call *call)
{
	const struct k23_inject_item *item = item_next(rule, NULL, K23_INJECT_DESCRIPTOR);
	const struct k23_syscall_info *info = item ? k23_describe(call) : NULL;

	if (!item)
		return 1;
	for (; item; item = item_next(rule, item, K23_INJECT_DESCRIPTOR))
		for (unsigned i = 0; info && i < info->args; i++)
			if (is_descriptor(info->kind[i]) && (int)call->args[i] >= (int)item->a &&
			    (int)call->args[i] <= (int)item->b)
				return 1;
	return 0;
}

/* An argument as the kernel takes it: of some kinds it takes 32 bits. */
static int64_t argument_value(const struct k23_call *call, unsigned i)
{
	const struct k23_syscall_info *info = k23_describe(call);
	uint8_t kind = info && i < info->args ? info->kind[i] : K23_LONG;

	if (kind == K23_INT || kind == K23_SIGNAL || is_descriptor(kind))
		return (int32_t)call->args[i];
	return kind == K23_UINT ? (int64_t)(uint32_t)call->args[i] : (int64_t)call->args[i];
}

static int compares(const struct k23_inject_item *item, int64_t value)
{
	int64_t with = (int64_t)item->a;

	switch (item->how) {
	case K23_INJECT_EQUAL:
		return value == with;
	case K23_INJECT_NOT_EQUAL:
		return value != with;
	case K23_INJECT_LESS:
		return value < with;
	case K23_INJECT_GREATER:
		return value > with;
	case K23_INJECT_ANY_BIT:
		return (value & with) != 0;
	}
	return 0;
}

static int matches_arguments(const struct k23_inject_rule *rule, const struct k23_call *call)
{
	const struct k23_inject_item *item = item_next(rule, NULL, K23_INJECT_ARGUMENT);

	for (; item; item = item_next(rule, item, K23_INJECT_ARGUMENT))
		if (!compares(item, argument_value(call, item->at)))
			return 0;
	return 1;
}

/* Whether the code that makes the call is in a file that the rule wants. */
static int matches_code(const struct k23_inject_rule *rule, const struct k23_call *call)
{
	const struct k23_inject_item *item = item_next(rule, NULL, K23_INJECT_FROM);
	char path[K23_PATH_MAX];
	unsigned long offset;

	if (item && k23_site(call, path, sizeof(path), &offset) < 0)
		*path = '\0';
	for (; item; item = item_next(rule, item, K23_INJECT_FROM))
		if (matches_pattern(item_data(item), path) == item->how)
			return 0;
	return 1;
}

static int rule_matches(const struct k23_inject_rule *rule, const struct k23_call *call)
{
	return matches_arguments(rule, call) && matches_descriptors(rule, call) && matches_paths(rule, call) &&
	       matches_code(rule, call);
}

#endif
