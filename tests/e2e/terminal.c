#include "terminal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "subprocess.h"

/* Between two looks. */
#define TERMINAL_PAUSE_MS 10

static struct {
    int master;
    bool open;
    char text[1 << 16];
    size_t length;
} terminal;

const char *terminal_open(void)
{
    terminal_close();
    terminal.length = 0;
    terminal.text[0] = '\0';
    terminal.master = posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal.master < 0) {
        return NULL;
    }
    terminal.open = true;
    int flags = fcntl(terminal.master, F_GETFL);
    if (grantpt(terminal.master) != 0 || unlockpt(terminal.master) != 0 ||
        fcntl(terminal.master, F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(terminal.master, F_SETFL, flags | O_NONBLOCK) != 0) {
        terminal_close();
        return NULL;
    }
    return ptsname(terminal.master);
}

void terminal_close(void)
{
    if (terminal.open) {
        (void)close(terminal.master);
        terminal.open = false;
    }
}

/* Text that does not fit is dropped: the line of progress is written many times. */
static void terminal_read(void)
{
    char more[4096];
    ssize_t length;
    while ((length = read(terminal.master, more, sizeof(more))) > 0) {
        size_t room = sizeof(terminal.text) - 1 - terminal.length;
        size_t taken = (size_t)length < room ? (size_t)length : room;
        memcpy(terminal.text + terminal.length, more, taken);
        terminal.length += taken;
        terminal.text[terminal.length] = '\0';
    }
}

bool terminal_shows(const char *part, unsigned timeout_ms)
{
    uint64_t end_ns = uv_hrtime() + (uint64_t)timeout_ms * 1000000;
    for (;;) {
        terminal_read();
        if (strstr(terminal.text, part) != NULL) {
            return true;
        }
        if (uv_hrtime() >= end_ns) {
            return false;
        }
        (void)process_pump(TERMINAL_PAUSE_MS, NULL, NULL);
    }
}

const char *terminal_text(void)
{
    return terminal.text;
}
