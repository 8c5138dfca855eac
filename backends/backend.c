#include "backend.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

const struct backend *const backend_list[] = {
    &backend_uv,
    NULL,
};

static int backend_choose_raw(const struct backend **backend, char *why, size_t why_size)
{
    size_t used = 0;
    bool tried = false;
    why[0] = '\0';
    for (const struct backend *const *at = backend_list; *at != NULL; at++) {
        char reason[160];
        if (!(*at)->native) {
            continue;
        }
        tried = true;
        if ((*at)->probe(reason, sizeof(reason)) == 0) {
            *backend = *at;
            return 0;
        }
        int n = snprintf(why + used, why_size - used, "%s%s: %s", used > 0 ? "; " : "", (*at)->name,
                         reason);
        used += n > 0 && (size_t)n < why_size - used ? (size_t)n : 0;
    }
    if (!tried) {
        (void)snprintf(why, why_size, "there is no raw backend for this system yet; use uv");
    }
    return UV_ENOTSUP;
}

int backend_choose(const char *name, const struct backend **backend, char *why, size_t why_size)
{
    assert(why_size > 0);
    why[0] = '\0';
    if (strcmp(name, "raw") == 0) {
        return backend_choose_raw(backend, why, why_size);
    }
    for (const struct backend *const *at = backend_list; *at != NULL; at++) {
        if (strcmp((*at)->name, name) == 0) {
            int status = (*at)->probe(why, why_size);
            if (status == 0) {
                *backend = *at;
            }
            return status;
        }
    }
    (void)snprintf(why, why_size, "there is no such backend; --backend=help lists those there are");
    return UV_ENOENT;
}
