/*
 * Appending to the site log. A call that the guard catches comes from a site that is not patched. If the store does not
 * have the site as observed, the site is appended to the site log, once per process, for the offline phase. Where the
 * store keeps programs apart, only what was observed in this program counts. A line of the site log is
 *
 *	OFFSET MAJOR:MINOR INODE [GROUP] PATH
 *
 * where OFFSET is that of the instruction in the file, and the rest is as in /proc/PID/maps. Only sites in texts are
 * noted, and no code that a program generates.
 */
#ifndef RT_TEXT_SITE_LOG_H
#define RT_TEXT_SITE_LOG_H

#include "rt/base/thread.h"

/* Whether a call was caught at this address in this process. ctx: boot | entry; no locks */
bool rt_site_log_has(uint64_t ip);
/* Notes the site of the call in flight, which the guard caught. ctx: entry */
void rt_site_log_note(struct rt_thread *thread);

#endif
