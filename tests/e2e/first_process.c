/*
 * first_process start PROGRAM [ARGUMENT...]
 *
 * Runs a program as process 1, like the only program of a container.
 *
 * first_process join PID PROGRAM [ARGUMENT...]
 *
 * Runs a program in the namespace of the one that the first_process with the number PID has
 * started. Either ends with the exit code of the program, or with 77 if it may not make or join a
 * namespace.
 */

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_NAMESPACE 77
#define FAILED 2

static bool join(const char *pid, const char *name)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%.16s/ns/%s", pid, name);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    bool joined = descriptor >= 0 && setns(descriptor, 0) == 0;
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
    return joined;
}

/* Runs the program in a new process, which is in the namespace and ends with this one. */
static int run(char **words)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)execv(words[0], words);
        _exit(FAILED);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("first_process");
        return FAILED;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "start") == 0) {
        bool made = unshare(CLONE_NEWPID) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWPID) == 0;
        return made ? run(argv + 2) : NO_NAMESPACE;
    }
    if (argc > 3 && strcmp(argv[1], "join") == 0) {
        (void)join(argv[2], "user"); /* the call fails if it is this process's own namespace */
        return join(argv[2], "pid_for_children") ? run(argv + 3) : NO_NAMESPACE;
    }
    (void)fprintf(stderr, "usage: first_process start|join ...\n");
    return FAILED;
}
