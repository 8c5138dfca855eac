#include "conformance.h"

#include "sys.h"

const char *conformance_system(const char *as)
{
    if (as != NULL) {
        return NULL;
    }
    return !sys_is_wine() ? "Windows" : sys_is_wine_before(10) ? "Wine 8" : "Wine 10";
}

void conformance_begin(void)
{
}

void conformance_end(void)
{
}
