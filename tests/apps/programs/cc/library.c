/* the library that main.c links, as archive, shared object and with LTO */

int add(int a, int b)
{
	return a + b;
}
