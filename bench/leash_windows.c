#include "leash.h"

const int leash_is_needed = 0;

int leash_become(char **words)
{
    (void)words;
    return 2;
}
