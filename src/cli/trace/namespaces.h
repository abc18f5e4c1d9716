/*
 * Ids of other PID namespaces, and what they are in this process's.
 */
#ifndef CLI_TRACE_NAMESPACES_H
#define CLI_TRACE_NAMESPACES_H

#include <stdbool.h>
#include <stdint.h>

struct namespaces; /* what is known */

/* Finds a thread of a process by its ids in its own namespace, and makes them those in this one. *inode: the
 * namespace's number, which becomes known, if it is 0. *known: what to add to, which is made if it is NULL. Returns
 * whether the thread was found, and is of a namespace below this one. */
bool namespaces_find(struct namespaces **known, uint64_t *inode, uint32_t *pid, uint32_t *tid);

/* What the id of a process or thread in a namespace is in this one, or has been if it is gone; 0: that is not known. */
uint32_t namespaces_outside(struct namespaces **known, uint64_t inode, uint32_t id);

void namespaces_free(struct namespaces *known);

#endif
