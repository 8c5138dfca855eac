#include "subprocess_system.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "subprocess.h"

const char process_program_suffix[] = "";

const char *process_system_cannot(int number)
{
    (void)number;
    return NULL;
}

int process_system_signal(uv_process_t *handle, int number)
{
    return uv_process_kill(handle, number);
}

/* The first `size` - 1 bytes of /proc/PID/name, ended by a NUL; false where there is no /proc. */
static bool process_read_proc(const uv_process_t *handle, const char *name, char *text, size_t size)
{
    char path[400];
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", handle->pid, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    size_t length = fread(text, 1, size - 1, file);
    text[length] = '\0';
    (void)fclose(file);
    return length > 0;
}

bool process_system_cpu_ms(const uv_process_t *handle, uint64_t *cpu_ms)
{
    char text[1024];
    if (!process_read_proc(handle, "stat", text, sizeof(text))) {
        return false;
    }
    char *at = strrchr(text, ')'); /* the second field, which may contain anything */
    for (unsigned field = 2; field < 14 && at != NULL; field++) {
        at = strchr(at + 1, ' ');
    }
    if (at == NULL) {
        return false;
    }
    uint64_t user = strtoull(at, &at, 10);
    uint64_t system = strtoull(at, &at, 10);
    *cpu_ms = (user + system) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
    return true;
}

bool process_system_rss_bytes(const uv_process_t *handle, uint64_t *rss_bytes)
{
    char text[4096];
    if (!process_read_proc(handle, "status", text, sizeof(text))) {
        return false;
    }
    const char *at = strstr(text, "VmRSS:");
    if (at == NULL) {
        return false;
    }
    *rss_bytes = strtoull(at + 6, NULL, 10) * 1024; /* it is given in KiB */
    return true;
}

bool process_system_handles(int id, size_t *count)
{
    char path[64];
    uv_fs_t request;
    (void)snprintf(path, sizeof(path), "/proc/%d/fd", id);
    int found = uv_fs_scandir(NULL, &request, path, 0, NULL);
    uv_fs_req_cleanup(&request);
    *count = found > 0 ? (size_t)found : 0;
    return found > 0;
}

/* Compares the value after `name` in a file of /proc, up to the end of its line. */
static bool process_line_is(const char *text, const char *name, const char *value)
{
    const char *at = strstr(text, name);
    if (at == NULL) {
        return false;
    }
    at += strlen(name);
    return strncmp(at, value, strlen(value)) == 0 && at[strlen(value)] == '\n';
}

bool process_system_pinned_threads(const uv_process_t *handle, int cpu, size_t *count)
{
    char path[64];
    char list[16];
    char text[4096];
    uv_fs_t scan;
    uv_dirent_t entry;
    (void)snprintf(path, sizeof(path), "/proc/%d/task", handle->pid);
    (void)snprintf(list, sizeof(list), "%d", cpu);
    *count = 0;
    int found = uv_fs_scandir(NULL, &scan, path, 0, NULL);
    while (uv_fs_scandir_next(&scan, &entry) == 0) {
        char name[300];
        (void)snprintf(name, sizeof(name), "task/%s/status", entry.name);
        bool is_own = process_read_proc(handle, name, text, sizeof(text)) &&
                      strncmp(text, "Name:\tiou-", 10) != 0; /* otherwise the kernel owns it */
        *count += is_own && process_line_is(text, "\nCpus_allowed_list:\t", list);
    }
    uv_fs_req_cleanup(&scan);
    return found > 0;
}
