#include "cli/self.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

char *self_path(void)
{
	char self[PATH_MAX] = "";
	const char *called = (const char *)getauxval(AT_EXECFN);

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0)
		return strdup(self);
	/* Without /proc, the path by which the kernel found it. */
	return called ? realpath(called, NULL) : NULL;
}
