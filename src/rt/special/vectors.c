/*
 * ctx: entry, for all here.
 */
#include "rt/special/vectors.h"

#include <asm/errno.h>
#include <linux/mman.h>

#include "core/page.h"
#include "core/string.h"
#include "inject/carrier.h"
#include "rt/base/copy.h"

#define MAXIMUM_ARGUMENTS 0x7fffffu
#define AT_ONCE 64u

/* Reads the next pointers of a vector, up to `most`: those that lie in one page. Returns how many, or -EFAULT. */
static long read_pointers(uint64_t *pointers, size_t most, uint64_t vector, size_t width)
{
	size_t count = (CORE_PAGE - (vector & (CORE_PAGE - 1))) / width;

	if (count > most)
		count = most;
	if (count > AT_ONCE)
		count = AT_ONCE;
	if (!count)
		count = 1; /* the first lies in two */
	if (failed(rt_copy_from(pointers, vector, count * width)))
		return -EFAULT;
	if (width == sizeof(uint32_t))
		for (size_t i = count; i--;) {
			uint32_t narrow;

			memcpy(&narrow, (char *)pointers + i * width, width);
			pointers[i] = narrow;
		}
	return (long)count;
}

/* How many pointers a vector has, or -errno. */
static long vector_length(uint64_t vector, size_t width)
{
	uint64_t pointers[AT_ONCE];

	if (!vector)
		return 0;
	for (size_t n = 0; n <= MAXIMUM_ARGUMENTS;) {
		long count = read_pointers(pointers, AT_ONCE, vector + n * width, width);

		if (failed(count))
			return -EFAULT;
		for (long i = 0; i < count; i++, n++)
			if (!pointers[i])
				return (long)n;
	}
	return -E2BIG;
}

/* Memory of the program, which another thread may write to meanwhile. */
static long copy_vector(uint64_t *to, uint64_t vector, size_t length, size_t width)
{
	for (size_t n = 0; n < length;) {
		long count = read_pointers(&to[n], length - n, vector + n * width, width);

		if (failed(count))
			return -EFAULT;
		n += (size_t)count;
	}
	return 0;
}

long rt_vectors_copy(struct rt_vectors *vectors, uint64_t argv, uint64_t envp, size_t width)
{
	long arguments = vector_length(argv, width), variables = vector_length(envp, width), r;
	uint64_t *words;

	if (failed(arguments) || failed(variables))
		return failed(arguments) ? arguments : variables;
	vectors->size = 8 * (size_t)(INJ_SPARE_ARGUMENTS + arguments + 1 + variables + 1 + INJ_SPARE_ENVIRONMENT);
	r = sys(mmap, 0, vectors->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (failed(r))
		return -ENOMEM;
	vectors->memory = (uint64_t)r;
	words = (uint64_t *)vectors->memory + INJ_SPARE_ARGUMENTS;
	vectors->argv = (char **)words;
	vectors->envp = (char **)(words + arguments + 1);
	r = copy_vector(words, argv, (size_t)arguments, width);
	if (!failed(r))
		r = copy_vector(words + arguments + 1, envp, (size_t)variables, width);
	if (failed(r))
		rt_vectors_free(vectors);
	return r;
}

void rt_vectors_free(const struct rt_vectors *vectors)
{
	sys(munmap, vectors->memory, vectors->size);
}
