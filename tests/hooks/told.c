/*
 * Is told of every signal, and does nothing about it: the second hook of the mode `chain`.
 */
#include <k23/hook.h>

static void on_signal(const struct k23_signal *signal)
{
	(void)signal;
}

K23_HOOK(told, .signal = on_signal);
