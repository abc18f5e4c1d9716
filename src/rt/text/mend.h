/*
 * Mending a register. A probe that is taken off puts the file's byte in front of the displacement of a window's jump
 * (sites/window.h). Where the window begins with `mov $number, %reg`, the register then gets the displacement instead
 * of the number. So a call has come that way if a register has the very displacement that leads to its site's stub.
 */
#ifndef RT_TEXT_MEND_H
#define RT_TEXT_MEND_H

#include "rt/x86_64/arch.h"

/* Gives the register of a call that the guard has caught the number that the file has. ctx: entry; no locks */
void rt_mend(struct core_regs *regs);

#endif
