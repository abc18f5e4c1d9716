/*
 * null: wants every call, and forwards it. What a hook costs that does nothing.
 */
#include <k23/hook.h>

K23_HOOK(null, .all = k23_forward);
