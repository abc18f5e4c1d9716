/*
 * The site log: each call that the guard catches comes from a site that is not patched. Those that the store does not
 * have as observed, in this program if it keeps these apart, are appended to a text file beside it, once per site and
 * process, for the offline phase. A line is
 *
 *	OFFSET MAJOR:MINOR INODE [GROUP] PATH
 *
 * as in /proc/PID/maps, OFFSET being that of the instruction in the file. Only sites of texts are noted: what a program
 * generates is not.
 */
#ifndef RT_TEXT_SITE_LOG_H
#define RT_TEXT_SITE_LOG_H

#include "rt/base/thread.h"

/* The site of the call in flight, which the guard caught. ctx: entry */
void rt_site_log_note(struct rt_thread *thread);

#endif
