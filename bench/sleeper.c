/*
 * A program that sleeps: it writes a line, and waits for the end of its input.
 */
#include <unistd.h>

int main(void)
{
	char c;

	if (write(1, "\n", 1) != 1)
		return 1;
	while (read(0, &c, 1) > 0)
		;
	return 0;
}
