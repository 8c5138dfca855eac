/*
 *     tidy DIRECTORY     holds the project there to the rules of tidy.h; prints what breaks one and
 *                        exits 1 if anything did
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "tidy.h"

static const struct tidy_exception ratchet[] = {
    {NULL, NULL, 0},
};

static const char *const directories[] = {"src", "backends", "bench", "tests", NULL};

#define PATH_SIZE 1024

struct project {
    struct tidy tidy;
    const char *root;
    char *lists; /* the text of all CMakeLists.txt */
    size_t sources;
    bool met[sizeof(ratchet) / sizeof(ratchet[0])];
};

typedef void visit_function(struct project *project, const char *path, const char *text);

static void *allocate(size_t size)
{
    void *memory = malloc(size);
    if (memory == NULL) {
        (void)fprintf(stderr, "tidy: out of memory\n");
        exit(2);
    }
    return memory;
}

/* To be freed; NULL if the file can't be read. */
static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    size_t capacity = 4u << 20; /* more than any source has */
    char *text = allocate(capacity);
    size_t length = fread(text, 1, capacity - 1, file);
    assert(length < capacity - 1);
    text[length] = '\0';
    (void)fclose(file);
    return text;
}

static void visit_path(struct project *project, const char *path, visit_function *visit)
{
    char full[2 * PATH_SIZE];
    (void)snprintf(full, sizeof(full), "%s/%s", project->root, path);
    char *text = read_file(full);
    if (text != NULL) {
        visit(project, path, text);
        free(text);
    }
}

/* Each file below `directory`, in the order of their names. */
static void visit_directory(struct project *project, const char *directory, visit_function *visit)
{
    char path[PATH_SIZE];
    uv_fs_t request;
    uv_dirent_t entry;

    (void)snprintf(path, sizeof(path), "%s/%s", project->root, directory);
    (void)uv_fs_scandir(NULL, &request, path, 0, NULL);
    while (uv_fs_scandir_next(&request, &entry) == 0) {
        (void)snprintf(path, sizeof(path), "%s/%s", directory, entry.name);
        if (entry.type == UV_DIRENT_DIR) {
            visit_directory(project, path, visit);
        } else {
            visit_path(project, path, visit);
        }
    }
    uv_fs_req_cleanup(&request);
}

static void visit_list(struct project *project, const char *path, const char *text)
{
    if (!tidy_ends_with(path, "CMakeLists.txt")) {
        return;
    }
    size_t size = strlen(project->lists) + strlen(text) + 1;
    char *lists = allocate(size);
    (void)snprintf(lists, size, "%s%s", project->lists, text);
    free(project->lists);
    project->lists = lists;
}

static void visit_source(struct project *project, const char *path, const char *text)
{
    if (tidy_ends_with(path, ".c") || tidy_ends_with(path, ".h")) {
        project->sources++;
        tidy_source(&project->tidy, path, text);
        tidy_listed(&project->tidy, path, project->lists);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: tidy DIRECTORY\n");
        return 2;
    }
    struct project project = {.tidy = {.ratchet = ratchet, .out = stdout}, .root = argv[1]};
    project.tidy.met = project.met;
    project.lists = allocate(1);
    project.lists[0] = '\0';

    visit_path(&project, "CMakeLists.txt", visit_list);
    for (const char *const *directory = directories; *directory != NULL; directory++) {
        visit_directory(&project, *directory, visit_list);
    }
    for (const char *const *directory = directories; *directory != NULL; directory++) {
        visit_directory(&project, *directory, visit_source);
    }
    for (size_t i = 0; ratchet[i].path != NULL; i++) {
        if (!project.met[i]) {
            tidy_broken(&project.tidy, "ratchet", ratchet[i].path, 1, "gone: take its line out");
        }
    }
    free(project.lists);
    (void)printf("%zu files, %zu rules broken\n", project.sources, project.tidy.broken);
    return project.tidy.broken == 0 && project.sources > 0 ? 0 : 1;
}
