#include "subject.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "subprocess.h"
#include "backend.h"
#include "log.h"

#ifndef X_OK /* of <unistd.h>, which not every system has; the value is the same on all */
#define X_OK 1
#endif

static struct subject *subjects_next(struct subjects *subjects, enum subject_kind kind)
{
    if (subjects->count == SUBJECTS_MAX) {
        log_message("more than %d servers to compare", SUBJECTS_MAX);
        return NULL;
    }
    struct subject *subject = &subjects->items[subjects->count++];
    memset(subject, 0, sizeof(*subject));
    subject->kind = kind;
    return subject;
}

/* ---- backends ------------------------------------------------------------------------------ */

static int subjects_add_backend(struct subjects *subjects, const struct bench_backend *backend)
{
    for (size_t i = 0; i < subjects->count; i++) {
        if (strcmp(subjects->items[i].name, backend->name) == 0) {
            return 0; /* named twice, or once as raw */
        }
    }
    struct subject *subject = subjects_next(subjects, SUBJECT_BACKEND);
    if (subject == NULL) {
        return UV_ENOSPC;
    }
    subject->backend = *backend;
    (void)snprintf(subject->name, sizeof(subject->name), "%s", backend->name);
    return 0;
}

/* A subject that the user named: from the matrix, or else a backend without options. */
static int subjects_add_named(struct subjects *subjects, const struct matrix *matrix,
                              const char *name)
{
    const struct backend *backend = NULL;
    struct bench_backend plain = {0};
    const struct bench_backend *found = &plain;
    char why[512];
    for (size_t i = 0; i < matrix->backend_count; i++) {
        if (strcmp(matrix->backends[i].name, name) == 0) {
            found = &matrix->backends[i];
        }
    }
    if (backend_choose(found == &plain ? name : found->backend, &backend, why, sizeof(why)) != 0) {
        log_message("--backend: '%s' cannot be used: %s", name, why);
        return UV_ENOTSUP;
    }
    plain.name = backend->name;
    plain.backend = backend->name;
    return subjects_add_backend(subjects, found);
}

int subjects_add_backends(struct subjects *subjects, const struct matrix *matrix,
                          const struct option_strings *names)
{
    const struct backend *backend = NULL;
    char why[512];
    int status = 0;
    for (size_t i = 0; i < names->count && status == 0; i++) {
        status = subjects_add_named(subjects, matrix, names->items[i]);
    }
    for (size_t i = 0; i < matrix->backend_count && names->count == 0 && status == 0; i++) {
        const struct bench_backend *wanted = &matrix->backends[i];
        if (backend_choose(wanted->backend, &backend, why, sizeof(why)) == 0) {
            status = subjects_add_backend(subjects, wanted);
        }
    }
    return status;
}

int subjects_add_old(struct subjects *subjects, const char *server)
{
    size_t count = subjects->count;
    if (2 * count > SUBJECTS_MAX) {
        log_message("more than %d servers to compare", SUBJECTS_MAX);
        return UV_ENOSPC;
    }
    subjects->count = 2 * count;
    for (size_t i = count; i-- > 0;) {
        struct subject subject = subjects->items[i];
        struct subject *old = &subjects->items[2 * i + 1];
        *old = subject;
        (void)snprintf(old->name, sizeof(old->name), SUBJECT_OLD "%.64s", subject.name);
        (void)snprintf(old->path, sizeof(old->path), "%s", server);
        subjects->items[2 * i] = subject;
    }
    return 0;
}

/* ---- others -------------------------------------------------------------------------------- */

static bool is_program(const char *path)
{
    uv_fs_t request;
    bool is = uv_fs_access(NULL, &request, path, X_OK, NULL) == 0;
    uv_fs_req_cleanup(&request);
    return is;
}

/* The length of a program's name without the system's suffix; 0: the name lacks the suffix. */
static size_t program_length(const char *name)
{
    size_t length = strlen(name);
    size_t suffix = strlen(process_program_suffix);
    bool has = length > suffix && strcmp(name + length - suffix, process_program_suffix) == 0;
    return has ? length - suffix : 0;
}

/* Adds a name in the directory as a peer, if it is a program. libuv sorts the names. */
static int subjects_add_peer(struct subjects *subjects, const char *directory, const char *name,
                             bool threaded)
{
    char path[SUBJECT_PATH_SIZE];
    size_t length = program_length(name);
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (length == 0 || !is_program(path)) {
        return 0;
    }
    struct subject *subject = subjects_next(subjects, SUBJECT_PEER);
    if (subject == NULL) {
        return UV_ENOSPC;
    }
    subject->threaded = threaded;
    (void)snprintf(subject->path, sizeof(subject->path), "%s", path);
    (void)snprintf(subject->name, sizeof(subject->name), "peer:%.*s",
                   (int)(length < 64 ? length : 64), name);
    return 0;
}

/* Adds the programs in a directory. 0 or a UV error; UV_ENOENT: there is no such directory. */
static int subjects_add_folder(struct subjects *subjects, const char *directory, bool threaded)
{
    uv_fs_t request;
    uv_dirent_t entry;
    int status = uv_fs_scandir(NULL, &request, directory, 0, NULL);
    if (status < 0 && !(threaded && status == UV_ENOENT)) {
        log_message("--peers: '%s': %s", directory, uv_strerror(status));
    }
    status = status < 0 ? status : 0;
    while (status == 0 && uv_fs_scandir_next(&request, &entry) == 0) {
        if (entry.type != UV_DIRENT_DIR) {
            status = subjects_add_peer(subjects, directory, entry.name, threaded);
        }
    }
    uv_fs_req_cleanup(&request);
    return status;
}

int subjects_add_peers(struct subjects *subjects, const char *directory)
{
    char threaded[SUBJECT_PATH_SIZE];
    size_t before = subjects->count;
    int status = subjects_add_folder(subjects, directory, false);
    (void)snprintf(threaded, sizeof(threaded), "%s/threaded", directory);
    if (status == 0) {
        status = subjects_add_folder(subjects, threaded, true);
        status = status == UV_ENOENT ? 0 : status;
    }
    if (status == 0 && subjects->count == before) {
        log_message("--peers: there is no program in '%s'", directory);
        return UV_ENOENT;
    }
    return status;
}

int subjects_add_target(struct subjects *subjects, const char *address)
{
    struct subject *subject = subjects_next(subjects, SUBJECT_TARGET);
    if (subject == NULL) {
        return UV_ENOSPC;
    }
    (void)snprintf(subject->name, sizeof(subject->name), "target:%s", address);
    return option_split_address(address, subject->host, sizeof(subject->host), subject->port,
                                sizeof(subject->port));
}
