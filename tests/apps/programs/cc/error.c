/* must not compile: the messages are compared */

int main(void)
{
	int unused;
	return undeclared + 1
}
