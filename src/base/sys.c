#include "sys.h"

#include <stdio.h>
#include <string.h>

unsigned sys_cpu_count(void)
{
    return uv_available_parallelism();
}

/* Copies without leading and trailing blanks, with which some vendors pad the name. */
static void copy_trimmed(char *target, size_t size, const char *text)
{
    text += strspn(text, " ");
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == ' ') {
        length--;
    }
    if (length >= size) {
        length = size - 1;
    }
    memcpy(target, text, length);
    target[length] = '\0';
}

/* Reads the first entry: uv_cpu_info() would read those of all CPUs. Only Linux has this file, and
 * not on every processor this line. */
static bool read_cpu_model(char *text, size_t size)
{
    static const char name[] = "model name";
    char line[256];
    bool found = false;
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (!found && file != NULL && fgets(line, sizeof line, file) != NULL && line[0] != '\n') {
        const char *colon = strchr(line, ':');
        found = colon != NULL && strncmp(line, name, sizeof name - 1) == 0;
        if (found) {
            line[strcspn(line, "\n")] = '\0';
            copy_trimmed(text, size, colon + 1);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return found;
}

static void describe_cpu(char *text, size_t size)
{
    uv_cpu_info_t *cpus = NULL;
    int count = 0;
    copy_trimmed(text, size, "unknown");
    if (read_cpu_model(text, size) || uv_cpu_info(&cpus, &count) != 0) {
        return;
    }
    if (count > 0 && cpus[0].model != NULL && cpus[0].model[0] != '\0') {
        copy_trimmed(text, size, cpus[0].model);
    }
    uv_free_cpu_info(cpus, count);
}

static void describe_system(uv_utsname_t *system)
{
    memset(system, 0, sizeof *system);
    if (uv_os_uname(system) == 0) {
        return;
    }
    copy_trimmed(system->sysname, sizeof system->sysname, "unknown");
    copy_trimmed(system->release, sizeof system->release, "unknown");
    copy_trimmed(system->version, sizeof system->version, "unknown");
    copy_trimmed(system->machine, sizeof system->machine, "unknown");
}

/* See tcp(7). Other systems have no such file. */
static void describe_congestion_control(char *name, size_t size)
{
    name[0] = '\0';
    FILE *file = fopen("/proc/sys/net/ipv4/tcp_congestion_control", "r");
    if (file != NULL) {
        if (fgets(name, (int)size, file) == NULL) {
            name[0] = '\0';
        }
        name[strcspn(name, "\n")] = '\0';
        (void)fclose(file);
    }
}

void sys_describe(struct sys_description *description)
{
    describe_system(&description->system);
    describe_cpu(description->cpu, sizeof description->cpu);
    description->wine = sys_is_wine();
    describe_congestion_control(description->congestion_control,
                                sizeof description->congestion_control);
}
