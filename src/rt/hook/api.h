/*
 * The table of functions that hooks are given: struct k23_api.
 */
#ifndef RT_HOOK_API_H
#define RT_HOOK_API_H

#include <k23/types.h>

/* Fills the table in. ctx: boot */
void rt_api_fill(struct k23_api *api);

#endif
