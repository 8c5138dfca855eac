/*
 * session TERMINAL PROGRAM [ARGUMENT...]
 *
 * Runs a program as the leader of a new session, like a daemon or a login. TERMINAL is "none", or
 * the path of the controlling terminal. With "stderr=" before the path the terminal becomes the
 * program's standard error as well.
 */

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* False: errno says why. */
static bool take_terminal(const char *path)
{
    static const char prefix[] = "stderr=";
    bool is_stderr = strncmp(path, prefix, sizeof(prefix) - 1) == 0;
    int terminal = open(is_stderr ? path + sizeof(prefix) - 1 : path, O_RDWR);
    if (terminal < 0) {
        return false;
    }
    bool taken = ioctl(terminal, TIOCSCTTY, 0) == 0;
    if (taken && is_stderr) {
        taken = dup2(terminal, STDERR_FILENO) >= 0;
    }
    return close(terminal) == 0 && taken;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        (void)fprintf(stderr, "usage: session TERMINAL PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    if (setsid() < 0) {
        perror("session: setsid");
        return 2;
    }
    if (strcmp(argv[1], "none") != 0 && !take_terminal(argv[1])) {
        perror("session: the terminal");
        return 2;
    }
    (void)execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 2;
}
