#include "leash.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

const int leash_is_needed = 1;

int leash_become(char **words)
{
    struct pollfd end = {.fd = LEASH_FILE, .events = POLLIN};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* fails only for an invalid signal number */
    if (poll(&end, 1, 0) != 0) {
        return 1; /* echo-bench ended before the call above */
    }
    (void)close(LEASH_FILE);
    (void)execvp(words[0], words);
    (void)fprintf(stderr, "%s: %s\n", words[0], strerror(errno));
    return 127;
}
