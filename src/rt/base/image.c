#include "rt/base/image.h"

struct rt_image rt;
struct start_block rt_start_block;
