#include "rt/base/dumpable.h"

#include <linux/prctl.h>

#include "core/string.h"
#include "rt/base/lock.h"

#define CLAIMS 256

static RT_TABLE uint32_t claims[CLAIMS]; /* 0: free */
static uint64_t claims_lock;
static uint32_t last_claim;
static uint32_t is_claimed;     /* 1: the process is dumpable for the sake of claims */
static int32_t dumpable_before; /* PR_GET_DUMPABLE as the program set it */

/* The place of a claim in the table, or NULL. Claim 0 finds a free place. ctx: entry | helper; locked */
static uint32_t *find_claim(uint32_t claim)
{
	for (size_t i = 0; i < CLAIMS; i++)
		if (claims[i] == claim)
			return &claims[i];
	return NULL;
}

/* ctx: entry | helper; locked */
static bool has_claims(void)
{
	for (size_t i = 0; i < CLAIMS; i++)
		if (claims[i])
			return true;
	return false;
}

/* ctx: entry, signals blocked */
void rt_dumpable_need(struct rt_thread *thread)
{
	uint32_t *place;

	for (;;) {
		rt_lock(&claims_lock);
		place = find_claim(0);
		if (place)
			break;
		rt_unlock(&claims_lock);
		sys(sched_yield);
	}
	if (!is_claimed)
		dumpable_before = (int32_t)sys(prctl, PR_GET_DUMPABLE);
	if (!++last_claim)
		last_claim = 1;
	/* In this order, as the thread may be killed in between: a claim in the table must be known to its thread. */
	thread->dumpable_claim = last_claim;
	__atomic_store_n(place, last_claim, __ATOMIC_RELEASE);
	__atomic_store_n(&is_claimed, 1, __ATOMIC_RELEASE);
	if (dumpable_before != 1)
		sys(prctl, PR_SET_DUMPABLE, 1);
	rt_unlock(&claims_lock);
}

/* ctx: entry | helper */
static void release(uint32_t claim)
{
	uint32_t *place;

	rt_lock(&claims_lock);
	place = find_claim(claim);
	if (place)
		*place = 0;
	if (is_claimed && !has_claims()) {
		/* The program's value may be 2 (fs.suid_dumpable), which cannot be set: 0 says the same to tracers. */
		if (dumpable_before != 1)
			sys(prctl, PR_SET_DUMPABLE, 0);
		is_claimed = 0;
	}
	rt_unlock(&claims_lock);
}

/* Whether the thread still had the claim. ctx: entry | helper */
static bool take_from(struct rt_thread *thread, uint32_t claim)
{
	return claim && __atomic_compare_exchange_n(&thread->dumpable_claim, &claim, 0, false, __ATOMIC_RELAXED,
						    __ATOMIC_RELAXED);
}

/* ctx: helper */
void rt_dumpable_take_over(struct rt_thread *helper, struct rt_thread *thread, uint32_t claim)
{
	/* In this order, as the helper may be killed in between: a claim that both have is released twice. */
	helper->dumpable_claim = claim;
	if (!take_from(thread, claim))
		helper->dumpable_claim = 0;
}

/* ctx: entry | helper */
void rt_dumpable_abandon(struct rt_thread *thread)
{
	uint32_t claim = thread->dumpable_claim;

	if (take_from(thread, claim))
		release(claim);
}

/* ctx: entry */
void rt_dumpable_forked(struct rt_thread *thread)
{
	claims_lock = 0;
	thread->dumpable_claim = 0;
	if (is_claimed) {
		memset(claims, 0, sizeof(claims));
		release(0);
	}
}

/* ctx: entry */
bool rt_dumpable_get(long *value)
{
	bool claimed;

	if (!__atomic_load_n(&is_claimed, __ATOMIC_ACQUIRE))
		return false;
	rt_lock(&claims_lock);
	claimed = is_claimed;
	*value = dumpable_before;
	rt_unlock(&claims_lock);
	return claimed;
}

/* ctx: entry */
bool rt_dumpable_set(long value)
{
	bool claimed;

	if ((value != 0 && value != 1) || !__atomic_load_n(&is_claimed, __ATOMIC_ACQUIRE))
		return false;
	rt_lock(&claims_lock);
	claimed = is_claimed;
	if (claimed)
		dumpable_before = (int32_t)value;
	rt_unlock(&claims_lock);
	return claimed;
}
