/*
 * Functions that hooks are given: where the program is. include/k23/hook.h says what they do.
 */
#ifndef RT_HOOK_WHERE_H
#define RT_HOOK_WHERE_H

#include <k23/types.h>

/* ctx: entry */
long rt_where_site(const struct k23_call *call, char *path, size_t size, unsigned long *offset);
long rt_where_text(unsigned long address, struct k23_text *found, char *path, size_t size);
void rt_where_registers(struct k23_registers *registers);

#endif
