#include "libuv.h"

void libuv_explain_aborts(const char *program)
{
    (void)program;
}
