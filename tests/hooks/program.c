/*
 * The program that hooks are tried on. usage: program WHAT
 */
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static void *nothing(void *argument)
{
	return argument;
}

/* The child, on its parent's stack, does nothing but exit. */
static long clone_and_exit(void)
{
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = 0;
	long child;

	__asm__ volatile("syscall\n\t"
			 "test %%eax, %%eax\n\t"
			 "jnz 1f\n\t"
			 "mov %[exit], %%eax\n\t"
			 "mov $6, %%edi\n\t"
			 "syscall\n\t"
			 "1:"
			 : "=a"(child)
			 : "a"(SYS_clone), "D"(CLONE_VM | CLONE_VFORK | CLONE_SIGHAND | SIGCHLD), "S"(0), "d"(0),
			   "r"(r10), "r"(r8), [exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory");
	return child;
}

static void life(void)
{
	pthread_t thread;
	pid_t child;

	pthread_create(&thread, NULL, nothing, NULL);
	pthread_join(thread, NULL);
	child = fork();
	if (child == 0) {
		execl("/proc/self/exe", "program", "exit", NULL);
		_exit(1);
	}
	waitpid(child, NULL, 0);
	child = vfork();
	if (child == 0)
		_exit(5);
	waitpid(child, NULL, 0);
	/* A child that shares the handlers, too, and ends for itself. */
	waitpid((pid_t)clone_and_exit(), NULL, 0);
	pthread_create(&thread, NULL, nothing, NULL);
	pthread_join(thread, NULL);
	_exit(4);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	struct utsname name;

	if (strcmp(what, "uname") == 0)
		return uname(&name);
	if (strcmp(what, "life") == 0)
		life();
	if (strcmp(what, "exit") == 0)
		_exit(3);
	if (strcmp(what, "answer") == 0) {
		dprintf(2, "getppid %ld\n", syscall(SYS_getppid));
		dprintf(2, "5000 %ld\n", syscall(5000));
		return write(1, "twice\n", 6) != 6;
	}
	return 99;
}
