#include "leash.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const int leash_is_needed = 1;

/* Moves to a session of its own, so that no signal for a process group reaches it. Closes the
 * standard streams: echo-bench waits until these pipes have ended. */
static void leash_detach(void)
{
    sigset_t all;
    int null = open("/dev/null", O_RDWR);
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    (void)setsid();
    for (int i = 0; i < LEASH_FILE && null >= 0; i++) {
        (void)dup2(null, i);
    }
    if (null > LEASH_FILE) {
        (void)close(null);
    }
}

/* When `guarded` has ended, this process has another parent. So the check makes sure that the
 * number still belongs to `guarded`. */
static void leash_watch(pid_t guarded)
{
    char byte;
    leash_detach();
    while (read(LEASH_FILE, &byte, 1) < 0 && errno == EINTR) {
    }
    if (getppid() == guarded) {
        (void)kill(guarded, SIGKILL);
    }
    _exit(0);
}

int leash_become(char **words)
{
    pid_t guarded = getpid();
    pid_t watcher = fork();
    if (watcher == 0) {
        leash_watch(guarded);
    }
    if (watcher > 0) {
        (void)close(LEASH_FILE);
        (void)execvp(words[0], words);
    }
    (void)fprintf(stderr, "%s: %s\n", words[0], strerror(errno));
    return 127;
}
