#include "fake_xnu.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <linux/tcp.h> /* the whole struct tcp_info, which netinet/tcp.h lacks */
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Of a loopback interface with an MTU of 16,384. */
#define MSS 16332

struct descriptor {
    bool watched;
    bool ended;
    bool reset_hidden; /* recv has to report it */
    bool reset_due;    /* kevent() has to report it */
    int queue;
    uint64_t received; /* by recv */
    uint64_t urgent;
    uint64_t acknowledged;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct descriptor descriptors[FAKE_XNU_DESCRIPTORS];
static int resets_due;

ssize_t __real_recv(int fd, void *buffer, size_t length, int flags);
ssize_t __real_send(int fd, const void *data, size_t length, int flags);
int __real_setsockopt(int fd, int level, int option, const void *value, socklen_t size);
int __real_close(int fd);
ssize_t __wrap_recv(int fd, void *buffer, size_t length, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t length, int flags);
int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t size);
int __wrap_close(int fd);

static struct descriptor *enter(int fd)
{
    assert(fd >= 0 && fd < FAKE_XNU_DESCRIPTORS);
    (void)pthread_mutex_lock(&lock);
    return &descriptors[fd];
}

static void leave(void)
{
    (void)pthread_mutex_unlock(&lock);
}

void fake_xnu_watch(int fd, int queue)
{
    struct descriptor *descriptor = enter(fd);
    descriptor->watched = true;
    descriptor->queue = queue;
    leave();
}

void fake_xnu_urgent(int fd)
{
    enter(fd)->urgent++;
    leave();
}

void fake_xnu_ended(int fd)
{
    enter(fd)->ended = true;
    leave();
}

static struct tcp_info info_of(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);
    (void)getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size); /* zero for a listener */
    return info;
}

int64_t fake_xnu_unread(int fd, bool ended)
{
    const struct tcp_info info = info_of(fd);
    const struct descriptor *descriptor = enter(fd);
    uint64_t gone = descriptor->received + descriptor->urgent + ended;
    leave();
    return info.tcpi_bytes_received > gone ? (int64_t)(info.tcpi_bytes_received - gone) : 0;
}

int fake_xnu_take_reset(int queue)
{
    int found = -1;
    (void)pthread_mutex_lock(&lock);
    for (int fd = 0; fd < FAKE_XNU_DESCRIPTORS && resets_due > 0 && found < 0; fd++) {
        if (descriptors[fd].reset_due && descriptors[fd].queue == queue) {
            descriptors[fd].reset_due = false;
            resets_due--;
            found = fd;
        }
    }
    leave();
    return found;
}

bool fake_xnu_acknowledged(int fd)
{
    const struct tcp_info info = info_of(fd);
    struct descriptor *descriptor = enter(fd);
    bool more = info.tcpi_bytes_acked > descriptor->acknowledged;
    descriptor->acknowledged = info.tcpi_bytes_acked;
    leave();
    return more;
}

/* ---- the calls ----------------------------------------------------------------------------- */

static bool take_hidden_reset(int fd)
{
    struct descriptor *descriptor = enter(fd);
    bool hidden = descriptor->reset_hidden;
    descriptor->reset_hidden = false;
    leave();
    return hidden;
}

ssize_t __wrap_recv(int fd, void *buffer, size_t length, int flags)
{
    if (take_hidden_reset(fd)) {
        errno = ECONNRESET;
        return -1;
    }
    ssize_t count = __real_recv(fd, buffer, length, flags);
    if (count > 0 && (flags & (MSG_PEEK | MSG_OOB)) == 0) {
        enter(fd)->received += (uint64_t)count;
        leave();
    }
    return count;
}

/* Whether this failure is the first report of a reset to the program. */
static bool hide_reset(int fd, int error)
{
    struct descriptor *descriptor = enter(fd);
    bool hide =
        descriptor->watched && !descriptor->ended && (error == ECONNRESET || error == EPIPE);
    if (hide) {
        descriptor->ended = descriptor->reset_hidden = descriptor->reset_due = true;
        resets_due++;
    }
    leave();
    return hide;
}

ssize_t __wrap_send(int fd, const void *data, size_t length, int flags)
{
    ssize_t count = __real_send(fd, data, length, flags);
    return count < 0 && hide_reset(fd, errno) ? (ssize_t)length : count;
}

int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
    int rounded = 0;
    if (level != SOL_SOCKET || (option != SO_SNDBUF && option != SO_RCVBUF)) {
        return __real_setsockopt(fd, level, option, value, size);
    }
    assert(size == sizeof(rounded));
    memcpy(&rounded, value, sizeof(rounded));
    rounded = (rounded + MSS - 1) / MSS * MSS;
    return __real_setsockopt(fd, level, option, &rounded, sizeof(rounded));
}

int __wrap_close(int fd)
{
    if (fd >= 0) {
        struct descriptor *descriptor = enter(fd);
        resets_due -= descriptor->reset_due;
        *descriptor = (struct descriptor){.watched = false};
        leave();
    }
    return __real_close(fd);
}
