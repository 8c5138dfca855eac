#include "setup.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "backend.h"
#include "log.h"
#include "option.h"
#include "usage.h"

#define SETUP_LATE_MS 30000
#define SETUP_TICKS 128 /* a run takes at least this many of the CPU clock */

/* What follows "echo-bench" in the name of this program, such as ".exe". */
static const char *setup_suffix(const char *self)
{
    static const char own[] = "echo-bench";
    const char *found = strstr(self, own);
    return found != NULL ? found + sizeof(own) - 1 : "";
}

static bool setup_has_file(const char *path)
{
    uv_fs_t request;
    int status = uv_fs_stat(NULL, &request, path, NULL);
    uv_fs_req_cleanup(&request);
    return status == 0;
}

int setup_program_path(const char *option, const char *directory, const char *name,
                       char path[SUBJECT_PATH_SIZE])
{
    char self[SUBJECT_PATH_SIZE] = "";
    size_t length = sizeof(self);
    (void)uv_exepath(self, &length);
    char *slash = strrchr(self, '/');
    char *backslash = strrchr(self, '\\');
    char *end = slash > backslash ? slash : backslash;
    const char *suffix = setup_suffix(end != NULL ? end : self);
    if (end != NULL) {
        *end = '\0';
    }
    const char *folder = directory != NULL ? directory : self;
    int written = snprintf(path, SUBJECT_PATH_SIZE, "%s/%s%s", folder, name, suffix);
    if (written < 0 || written >= SUBJECT_PATH_SIZE || !setup_has_file(path)) {
        log_message("%s: there is no %s in '%s'", option, name, folder);
        return UV_ENOENT;
    }
    return 0;
}

/* The times of the matrix. Runs are made long enough that a tick of the CPU clock is less than 1 %
 * of them, unless the user has chosen the times. */
static void setup_choose_times(struct run_setup *setup, const struct bench_options *options,
                               const struct matrix *matrix)
{
    const uint64_t least_ns = SETUP_TICKS * usage_tick_ns;
    struct bench_times *times = &setup->times;
    *times = options->quick ? matrix->quick : matrix->full;
    times->rounds = options->rounds > 0 ? options->rounds : times->rounds;
    if (times->duration_ns < least_ns) {
        times->duration_ns = least_ns;
    }
    times->duration_ns = options->duration_ns > 0 ? options->duration_ns : times->duration_ns;
    times->warmup_ns = options->warmup_ns > 0 ? options->warmup_ns : times->warmup_ns;
}

/* Where our servers listen. */
static int setup_choose_address(struct run_setup *setup, const struct bench_options *options)
{
    (void)snprintf(setup->server_host, sizeof(setup->server_host), RUN_LOOPBACK);
    if (options->server_address != NULL && options->peers != NULL) {
        log_message("--peers can't be used with --server-address: peers listen on " RUN_LOOPBACK
                    " only; start one yourself and name it by --target");
        return UV_EINVAL;
    }
    if (options->server_address != NULL) {
        (void)option_split_server(options->server_address, setup->server_host,
                                  sizeof(setup->server_host), setup->server_port,
                                  sizeof(setup->server_port)); /* its row has checked it */
    }
    if (setup->server_port[0] == '\0') {
        (void)snprintf(setup->server_port, sizeof(setup->server_port), "0");
    }
    return 0;
}

/* A backend that is `raw` is resolved there, by the first run. */
static int setup_choose_command(struct run_setup *setup, const struct bench_options *options)
{
    if (setup->pin == PIN_TOGETHER) {
        log_message("--client-command can't be used with --pin=together: the client may have other "
                    "CPUs; use --pin=apart or --pin=off");
        return UV_EINVAL;
    }
    setup->remote.command = options->client_command;
    setup->client_backend = options->client_backend;
    return command_split(options->client_command, &setup->client); /* its row has checked it */
}

/* The client beside this program. `raw` is resolved once, so the results name the backend that it
 * stands for. */
static int setup_choose_client(struct run_setup *setup, const struct bench_options *options)
{
    const struct backend *backend = NULL;
    char why[512];
    char path[SUBJECT_PATH_SIZE];
    const char *name = options->client_backend;
    int status = backend_choose(name, &backend, why, sizeof(why));
    if (status != 0) {
        log_message("--client-backend: '%s' cannot be used: %s", name, why);
        return status;
    }
    setup->client_backend = backend->name;
    status = setup_program_path("echo-bench", NULL, "echo-client", path);
    command_set_program(&setup->client, path);
    return status;
}

int setup_make(struct run_setup *setup, const struct bench_options *options,
               const struct matrix *matrix)
{
    *setup = (struct run_setup){.buffer_size = matrix->buffer_size, .late_ms = SETUP_LATE_MS};
    (void)pin_find_mode(options->pin, &setup->pin); /* its row has checked it */
    setup_choose_times(setup, options, matrix);
    int status = setup_choose_address(setup, options);
    if (status == 0) {
        status = options->client_command != NULL ? setup_choose_command(setup, options)
                                                 : setup_choose_client(setup, options);
    }
    if (status == 0) {
        status = setup_program_path("--bin", options->bin, "echo-server", setup->server);
    }
    return status;
}
