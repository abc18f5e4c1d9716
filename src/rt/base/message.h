/*
 * Messages to the program's standard error: only for what would otherwise be a silent failure.
 */
#ifndef RT_BASE_MESSAGE_H
#define RT_BASE_MESSAGE_H

/* ctx: boot | entry | sigsys */
void rt_message(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the process with a message, where going on would let a call through or corrupt the program.
 * ctx: boot | entry | sigsys */
void rt_panic(const char *what, long detail) __attribute__((noreturn));

#endif
