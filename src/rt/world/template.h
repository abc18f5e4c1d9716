/*
 * Templates: processes of `k23 run`'s own in which worlds are made ready once for all images of a run
 * (cli/template.h). Here is what is special about the worlds in one. rt.bundle->template says whether the process is.
 */
#ifndef RT_WORLD_TEMPLATE_H
#define RT_WORLD_TEMPLATE_H

#include "rt/base/thread.h"

/* Tells the command. ctx: boot */
void rt_template_says(enum bundle_template_state state);
/* Tells it that each image has to start the worlds itself, and ends. ctx: boot */
void rt_template_give_up(void) __attribute__((noreturn));
/* Where the next thing goes that a world maps. ctx: boot */
uint64_t rt_template_room(uint64_t size);
/* Before the program begins: ends the process, if it is a template, when what the world is about to do has to be done
 * in each image, and its hook has no .prepare. The second one: the call in world->regs. ctx: boot */
void rt_template_ask(const struct rt_world *world);
void rt_template_ask_call(const struct rt_world *world);

#endif
