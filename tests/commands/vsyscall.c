/* Calls time() in the vsyscall page, whose address is in the code or, with IN_DATA, in the data. For verdict.py. */
#include <time.h>

#define VSYSCALL_TIME 0xffffffffff600400ul

typedef time_t time_fn(time_t *);

#ifdef IN_DATA
static time_fn *volatile call = (time_fn *)VSYSCALL_TIME;
#else
#define call ((time_fn *)VSYSCALL_TIME)
#endif

int main(void)
{
	return call(NULL) == 0;
}
