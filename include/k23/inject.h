/*
 * k23/inject.h - rules that inject faults, as `k23 inject` and `k23 trace -e inject=` hand them to their hook, and what
 * the hook counts in memory that all processes of the run share.
 *
 * The rules are the hook's option `rules`: a struct k23_inject_rules with what follows it, two hexadecimal digits a
 * byte. So a program cannot reach the rules of its next image. A program can write anything to the shared memory.
 */
#ifndef K23_INJECT_H
#define K23_INJECT_H

#include <k23/channel.h>
#include <k23/descent.h>
#include <k23/ring.h>
#include <k23/types.h>

#define K23_INJECT_MAGIC 0x746c75616633326bul /* "k23fault" */
#define K23_INJECT_VERSION 1u

#define K23_INJECT_RULES 64u
#define K23_INJECT_COUNTERS K23_DESCENT_COUNTS /* as many calls can be counted */
#define K23_INJECT_PAIRS 2047u	 /* the calls of each rule, added up */
#define K23_INJECT_SIZE 32768u	 /* of all rules, in bytes */

/* The begin. The rules follow, one after the other. */
struct k23_inject_rules {
	uint32_t version;
	uint32_t size; /* of all, in bytes */
	uint32_t count;
	uint32_t counters; /* that are in use */
};

/* What a rule does with a call. */
enum k23_inject_action {
	K23_INJECT_RESULT = 1,	   /* `result`, and the call is not made */
	K23_INJECT_SUBSTITUTE = 2, /* another call is made in its place, besides */
	K23_INJECT_SIGNAL = 4,
	K23_INJECT_SHORT = 8, /* less is transferred than asked for */
	K23_INJECT_DELAY_ENTER = 16,
	K23_INJECT_DELAY_EXIT = 32,
	K23_INJECT_MADE = 64, /* with a result: the call is made, all the same */
};

/* Whose calls are counted together. */
enum k23_inject_scope { K23_INJECT_THREAD, K23_INJECT_RUN };

struct k23_inject_rule {
	uint32_t size; /* with what follows: counters, items, and padding to a multiple of 8 */
	uint32_t actions; /* enum k23_inject_action */
	uint16_t counters; /* how many follow, as uint16_t: one for each call of the rule, if it counts them */
	uint16_t items;	   /* how many struct k23_inject_item follow, each with its data */
	uint8_t scope;	   /* enum k23_inject_scope */
	uint8_t signal;
	uint8_t percent; /* of a short transfer: of what was asked for; 0: `bytes` */
	uint8_t reserved;
	int64_t result; /* -errno, or what the call is to return */
	int64_t substitute; /* the number of a call */
	uint64_t bytes; /* of a short transfer, at most */
	uint64_t delay_enter, delay_exit; /* nanoseconds */
	uint64_t chance; /* of 2^32; that, or more: always */
	uint64_t seed;
	struct k23_ring_calls calls;
};

enum k23_inject_kind {
	K23_INJECT_WHEN,       /* occurrences: a first, b last, c step, d how many at each step */
	K23_INJECT_ARGUMENT,   /* argument `at` compares with a as `how` says */
	K23_INJECT_DESCRIPTOR, /* a descriptor argument from a to b */
	K23_INJECT_DESCENT,    /* the thread whose number is a (k23/descent.h) */
	K23_INJECT_PATH,       /* a path argument, or what a descriptor is open on: the data */
	K23_INJECT_FROM,       /* the file with the code that makes the call; `how` 1: any but that */
	K23_INJECT_POKE_ENTER, /* the data goes to where argument `at` points */
	K23_INJECT_POKE_EXIT,
};

enum k23_inject_compare {
	K23_INJECT_EQUAL,
	K23_INJECT_NOT_EQUAL,
	K23_INJECT_LESS,
	K23_INJECT_GREATER,
	K23_INJECT_ANY_BIT,
};

/* How a path is compared. */
enum k23_inject_path {
	K23_INJECT_PATTERN, /* * stands for any bytes, ? for one; a path argument is made absolute before */
	K23_INJECT_AS_IS,   /* all bytes stand for themselves; a path argument is as the program has written it */
};

struct k23_inject_item {
	uint8_t kind; /* enum k23_inject_kind */
	uint8_t at;
	uint8_t how;
	uint8_t reserved;
	uint32_t size; /* of the data that follow; padded to a multiple of 8 */
	uint64_t a, b, c, d;
};

/* In memory that the run shares. */
struct k23_injections {
	uint64_t counts[K23_INJECT_COUNTERS]; /* calls that rules are about, over the whole run */
	struct {
		uint64_t met;	   /* calls that the rule is about */
		uint64_t injected; /* those with which it did something */
	} rules[K23_INJECT_RULES];
	struct k23_descent_carried carried[K23_DESCENT_CARRIED];
};

_Static_assert(sizeof(struct k23_inject_rule) == 208 && sizeof(struct k23_inject_item) == 40,
	       "rules are shared by separate builds");

#endif
