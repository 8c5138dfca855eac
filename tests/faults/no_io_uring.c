/*
 * no_io_uring ERRNO PROGRAM [ARGUMENT...]
 *
 * Runs a program in which the system calls of io_uring fail with the errno. EPERM, ENOSYS: as in a
 * container with a seccomp filter. EINVAL: as on an older kernel. ENOMEM: as when memory is short.
 */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static const struct {
    const char *name;
    unsigned number;
} errors[] = {{"EPERM", EPERM}, {"ENOSYS", ENOSYS}, {"EINVAL", EINVAL}, {"ENOMEM", ENOMEM}};

/* 0: no such name */
static unsigned error_number(const char *name)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (strcmp(errors[i].name, name) == 0) {
            return errors[i].number;
        }
    }
    return 0;
}

/* io_uring_setup, _enter and _register: three numbers in a row. */
static int forbid_io_uring(unsigned error)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, __NR_io_uring_setup, 0, 2),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, __NR_io_uring_register, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = sizeof(steps) / sizeof(steps[0]), .filter = steps};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return -1;
    }
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

int main(int argc, char **argv)
{
    unsigned error = argc > 2 ? error_number(argv[1]) : 0;
    if (error == 0) {
        (void)fprintf(stderr, "usage: no_io_uring EPERM|ENOSYS|EINVAL|ENOMEM PROGRAM...\n");
        return 125;
    }
    if (forbid_io_uring(error) != 0) {
        perror("no_io_uring: seccomp");
        return 125;
    }
    (void)execv(argv[2], argv + 2);
    perror(argv[2]);
    return 127;
}
