#include "pin.h"

#include <uv.h>

int pin_children(int cpu)
{
    return cpu < 0 ? 0 : UV_ENOTSUP;
}
