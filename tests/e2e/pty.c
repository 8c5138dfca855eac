#include "pty.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#define CLEAR_REST "\033[K"

/* The longest line that a screen may have. */
#define PTY_COLUMNS 4096

static int pty_prepare(int master, char slave[PTY_NAME_MAX])
{
    if (grantpt(master) != 0 || unlockpt(master) != 0) {
        return uv_translate_sys_error(errno);
    }
    const char *name = ptsname(master);
    if (name == NULL || strlen(name) >= PTY_NAME_MAX) {
        return UV_ENAMETOOLONG;
    }
    memcpy(slave, name, strlen(name) + 1);
    if (fcntl(master, F_SETFD, FD_CLOEXEC) != 0 || fcntl(master, F_SETFL, O_NONBLOCK) != 0) {
        return uv_translate_sys_error(errno);
    }
    return 0;
}

int pty_open(int *master, char slave[PTY_NAME_MAX])
{
    *master = posix_openpt(O_RDWR | O_NOCTTY);
    if (*master < 0) {
        return uv_translate_sys_error(errno);
    }
    int status = pty_prepare(*master, slave);
    if (status != 0) {
        (void)close(*master);
        *master = -1;
    }
    return status;
}

/* ---- the screen ---------------------------------------------------------------------------- */

struct pty_line {
    char text[PTY_COLUMNS];
    size_t length;
    size_t column; /* where the next character goes, at most `length` */
};

static void pty_put(struct pty_line *line, char c)
{
    assert(line->column < PTY_COLUMNS);
    line->text[line->column++] = c;
    if (line->length < line->column) {
        line->length = line->column;
    }
}

/* Appends the line to the screen and begins an empty one. */
static char *pty_end_line(struct pty_line *line, char *to)
{
    while (line->length > 0 && line->text[line->length - 1] == ' ') {
        line->length--;
    }
    memcpy(to, line->text, line->length);
    to += line->length;
    *to++ = '\n';
    line->length = line->column = 0;
    return to;
}

char *pty_screen(const char *text)
{
    struct pty_line line = {.length = 0};
    char *screen = malloc(strlen(text) + 2);
    assert(screen != NULL);
    char *to = screen;
    while (*text != '\0') {
        if (strncmp(text, CLEAR_REST, strlen(CLEAR_REST)) == 0) {
            line.length = line.column;
            text += strlen(CLEAR_REST);
            continue;
        }
        char c = *text++;
        if (c == '\n') {
            to = pty_end_line(&line, to);
        } else if (c == '\r') {
            line.column = 0;
        } else {
            pty_put(&line, (unsigned char)c < ' ' ? '?' : c);
        }
    }
    if (line.length > 0) {
        to = pty_end_line(&line, to);
    }
    *to = '\0';
    return screen;
}
