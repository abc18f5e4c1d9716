/*
 * A hosted hook in C++: counts calls by number in a std::map, and those of threads that have ended by the destructors of
 * their thread-local variables. A forked child counts from 0. wrong=WHAT: makes a mistake at call 500.
 */
#include <k23/hook.h>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <unistd.h>

static std::mutex lock;
static std::map<std::string, unsigned long> counts;
static unsigned long ended;
static std::string mistake;

struct thread_count {
	std::unique_ptr<unsigned long> calls = std::make_unique<unsigned long>(0);

	~thread_count()
	{
		std::lock_guard<std::mutex> guard(lock);

		ended += *calls;
	}
};

static thread_local thread_count own;

/* Without an end, but the compiler does not know. */
static volatile bool deeper = true;

__attribute__((noinline)) static long descend(long depth)
{
	volatile long room[16];

	room[depth % 16] = depth;
	return (deeper ? descend(depth + 1) : 0) + room[depth % 16];
}

static void make_mistake()
{
	if (mistake == "deep")
		counts["depth"] = static_cast<unsigned long>(descend(0));
	if (mistake == "crash")
		*reinterpret_cast<volatile long *>(0x1230) = 1; /* crash */
	if (mistake == "abort")
		std::abort();
	if (mistake == "exit")
		std::exit(3);
	if (mistake == "throw")
		throw std::runtime_error("nobody catches it");
	if (mistake == "fork" && k23_syscall(SYS_getppid, 0, 0, 0, 0, 0, 0) > 0 && fork() != -1)
		k23_print("it has forked\n");
}

static void count(long nr)
{
	++*own.calls;
	try {
		std::lock_guard<std::mutex> guard(lock);

		++counts[std::to_string(nr)];
		if (nr == 501)
			throw std::runtime_error("an exception");
	} catch (const std::runtime_error &) {
	}
}

static long on_call(struct k23_call *call)
{
	long result, nr = call->nr;

	if (nr == 500)
		make_mistake();
	result = k23_forward(call);
	if (result != -K23_ERESTART) /* the call comes once more */
		count(nr);
	return result;
}

static int init(const struct k23_options *options)
{
	const char *what = k23_option(options, "wrong");

	mistake = what ? what : "";
	/* As in any program that forks while others have its locks. */
	return -pthread_atfork([] { lock.lock(); }, [] { lock.unlock(); }, [] { lock.unlock(); });
}

static void fork_child()
{
	counts.clear();
	*own.calls = ended = 0;
}

static void process_exit(int)
{
	std::lock_guard<std::mutex> guard(lock);

	fprintf(stderr, "map: %lu\n", counts["500"]);
	fprintf(stderr, "ended: %lu\n", ended);
}

K23_HOOK(hosted_map, .init = init, .fork_child = fork_child, .process_exit = process_exit, .calls = {
	{ 500, on_call }, { 501, on_call } });
