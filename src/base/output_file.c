#include "output_file.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "output_system.h"

#define OUTPUT_PATH_SIZE 4096
#define OUTPUT_LINKS_MAX 40 /* symbolic links in a row; Linux follows as many */
#define OUTPUT_DRAFTS_MAX 100

enum output_kind {
    OUTPUT_NEW,     /* nothing is there */
    OUTPUT_REGULAR, /* a file that a draft can replace */
    OUTPUT_IN_PLACE /* what no draft may replace */
};

/* What a path stands for at the moment. */
struct output_place {
    enum output_kind kind;
    uv_stat_t status;              /* zero if it is new, or a device by its name */
    char target[OUTPUT_PATH_SIZE]; /* the path after all symbolic links */
};

/* ---- calls of the file system --------------------------------------------------------------- */

static int output_stat(const char *path, uv_stat_t *status)
{
    uv_fs_t request;
    int error = uv_fs_stat(NULL, &request, path, NULL);
    if (error == 0) {
        *status = request.statbuf;
    }
    uv_fs_req_cleanup(&request);
    return error;
}

static bool output_is(const uv_stat_t *status, uint64_t type)
{
    return (status->st_mode & S_IFMT) == type;
}

static bool output_is_same(const uv_stat_t *one, const uv_stat_t *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

static uv_file output_open(const char *path, int flags)
{
    uv_fs_t request;
    uv_file file = uv_fs_open(NULL, &request, path, UV_FS_O_WRONLY | flags, 0666, NULL);
    uv_fs_req_cleanup(&request);
    return file;
}

static int output_close(uv_file file)
{
    uv_fs_t request;
    int status = uv_fs_close(NULL, &request, file, NULL);
    uv_fs_req_cleanup(&request);
    return status;
}

int output_write(uv_file file, const char *text, size_t length)
{
    int status = 0;
    while (length > 0 && status == 0) {
        uv_fs_t request;
        size_t part = length < (1U << 20) ? length : 1U << 20;
        uv_buf_t rest = uv_buf_init((char *)(uintptr_t)text, (unsigned)part);
        int written = uv_fs_write(NULL, &request, file, &rest, 1, -1, NULL);
        uv_fs_req_cleanup(&request);
        if (written == UV_EAGAIN) { /* another program has set O_NONBLOCK */
            output_system_await_room(file);
            continue;
        }
        status = written < 0 ? written : 0;
        text += written > 0 ? written : 0;
        length -= written > 0 ? (size_t)written : 0;
    }
    return status;
}

bool output_is_stuck(uv_file file, uint64_t for_ms)
{
    return output_system_is_stuck(file, for_ms);
}

bool output_is_one(uv_file file, uv_file other)
{
    return output_system_is_one(file, other);
}

size_t output_columns(uv_file file)
{
    return output_system_columns(file);
}

static int output_write_and_close(uv_file file, const char *text, size_t length)
{
    int status = output_write(file, text, length);
    int closed = output_close(file);
    return status != 0 ? status : closed;
}

/* ---- what a path stands for ------------------------------------------------------------------ */

/* Replaces `path` by the target of the symbolic link that it names. */
static int output_set_target(char *path, const char *link)
{
    size_t folder = output_system_is_absolute(link) ? 0 : output_system_folder(path);
    size_t length = strlen(link);
    if (folder + length >= OUTPUT_PATH_SIZE) {
        return UV_ENAMETOOLONG;
    }
    memcpy(path + folder, link, length + 1);
    return 0;
}

/* Follows the symbolic link at `path`. UV_EINVAL: it is no link; UV_ENOENT: nothing is there. */
static int output_follow_one(char *path)
{
    uv_fs_t request;
    int status = uv_fs_lstat(NULL, &request, path, NULL);
    bool is_link = status == 0 && output_is(&request.statbuf, S_IFLNK);
    uv_fs_req_cleanup(&request);
    if (status != 0 || !is_link) {
        return status != 0 ? status : UV_EINVAL;
    }
    status = uv_fs_readlink(NULL, &request, path, NULL);
    status = status == 0 ? output_set_target(path, request.ptr) : status;
    uv_fs_req_cleanup(&request);
    return status;
}

/* Follows all links. The last one may name nothing. */
static int output_follow(char *path)
{
    int status = 0;
    for (int i = 0; i < OUTPUT_LINKS_MAX && status == 0; i++) {
        status = output_follow_one(path);
    }
    if (status == UV_EINVAL || status == UV_ENOENT) {
        return 0;
    }
    return status == 0 ? UV_ELOOP : status;
}

/* A link in /proc may lead to a deleted file, which has no path that could be replaced. */
static enum output_kind output_kind_of(const struct output_place *place)
{
    uv_stat_t target;
    bool replaceable = output_is(&place->status, S_IFREG) &&
                       output_stat(place->target, &target) == 0 &&
                       output_is_same(&place->status, &target);
    return replaceable ? OUTPUT_REGULAR : OUTPUT_IN_PLACE;
}

static int output_locate(const char *path, struct output_place *place)
{
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof(place->target)) {
        return length == 0 ? UV_ENOENT : UV_ENAMETOOLONG;
    }
    memcpy(place->target, path, length + 1);
    memset(&place->status, 0, sizeof(place->status));
    place->kind = OUTPUT_IN_PLACE;
    if (output_system_is_device(path)) {
        return 0;
    }
    int status = output_stat(path, &place->status);
    bool is_new = status == UV_ENOENT;
    if (status == 0 && output_is(&place->status, S_IFDIR)) {
        return UV_EISDIR;
    }
    if (is_new || (status == 0 && output_is(&place->status, S_IFREG))) {
        status = output_follow(place->target);
        place->kind = is_new ? OUTPUT_NEW : output_kind_of(place);
    }
    return status;
}

/* Whether the stream is that file or pipe. Not asked of a device: that can be opened twice. */
static bool output_is_standard(const struct output_place *place, uv_file stream)
{
    uv_fs_t request;
    bool may_be = place->status.st_mode != 0 && !output_is(&place->status, S_IFCHR);
    bool is = may_be && uv_fs_fstat(NULL, &request, stream, NULL) == 0 &&
              output_is_same(&place->status, &request.statbuf);
    if (may_be) {
        uv_fs_req_cleanup(&request);
    }
    return is;
}

/* Whether it is opened only once, since it can't be written from its beginning again. */
static bool output_is_stream(const struct output_place *place)
{
    return place->kind == OUTPUT_IN_PLACE && !output_is(&place->status, S_IFREG);
}

/* ---- drafts ---------------------------------------------------------------------------------- */

struct output_draft {
    const struct output_place *place;
    const char *text; /* NULL: only check that a draft can be made */
    size_t length;
    char path[OUTPUT_PATH_SIZE];
};

/* A new file in the folder of the target. Its name is short, since the target's may be as long as
 * the system allows. */
static uv_file output_create_draft(struct output_draft *draft)
{
    const char *target = draft->place->target;
    int folder = (int)output_system_folder(target);
    uv_file file = UV_EEXIST;
    for (unsigned i = 0; i < OUTPUT_DRAFTS_MAX && file == UV_EEXIST; i++) {
        int length = snprintf(draft->path, sizeof(draft->path), "%.*sechoport-%d-%u.part", folder,
                              target, (int)uv_os_getpid(), i);
        bool fits = length > 0 && (size_t)length < sizeof(draft->path);
        file = fits ? output_open(draft->path, UV_FS_O_CREAT | UV_FS_O_EXCL) : UV_ENAMETOOLONG;
    }
    return file;
}

/* A draft gets the owner and the mode of what it is to replace. */
static int output_keep_attributes(uv_file file, const struct output_place *place)
{
    uv_fs_t request;
    const uv_stat_t *old = &place->status;
    if (place->kind == OUTPUT_NEW) {
        return 0;
    }
    int status =
        uv_fs_fchown(NULL, &request, file, (uv_uid_t)old->st_uid, (uv_gid_t)old->st_gid, NULL);
    uv_fs_req_cleanup(&request);
    if (status == 0) {
        status = uv_fs_fchmod(NULL, &request, file, (int)(old->st_mode & 0777), NULL);
        uv_fs_req_cleanup(&request);
    }
    return status;
}

static int output_fill_draft(uv_file file, const struct output_draft *draft)
{
    int status = output_keep_attributes(file, draft->place);
    if (status == 0) {
        status = output_write(file, draft->text, draft->length);
    }
    int closed = output_close(file);
    return status != 0 ? status : closed;
}

/* Replaces the target of the place by a draft. Signals are held back. */
static int output_replace(void *context)
{
    uv_fs_t request;
    struct output_draft *draft = context;
    uv_file file = output_create_draft(draft);
    if (file < 0) {
        return file;
    }
    int status = output_fill_draft(file, draft);
    bool is_kept = status == 0 && draft->text != NULL;
    if (is_kept) {
        status = uv_fs_rename(NULL, &request, draft->path, draft->place->target, NULL);
        uv_fs_req_cleanup(&request);
    }
    if (!is_kept || status != 0) {
        (void)uv_fs_unlink(NULL, &request, draft->path, NULL);
        uv_fs_req_cleanup(&request);
    }
    return status;
}

/* Whether a regular file may be written in place after a draft has failed with this error. After a
 * full disk it may not: the new text might not fit, and the old one would be gone. */
static bool output_is_refused(int status)
{
    return status == UV_EACCES || status == UV_EPERM || status == UV_EROFS || status == UV_EBUSY ||
           status == UV_EXDEV;
}

/* 0: the place has the text; with NULL, it could get one. *in_place: write it in place instead. */
static int output_try_replace(const struct output_place *place, const char *text, size_t length,
                              bool *in_place)
{
    struct output_draft draft = {.place = place, .text = text, .length = length};
    *in_place = place->kind == OUTPUT_IN_PLACE;
    if (*in_place) {
        return 0;
    }
    int status = output_system_hold_signals(output_replace, &draft);
    *in_place = place->kind == OUTPUT_REGULAR && output_is_refused(status);
    return *in_place ? 0 : status;
}

/* ---- output files ---------------------------------------------------------------------------- */

/* Opens an existing file without replacing it. */
static uv_file output_open_in_place(const char *path, const struct output_place *place, int flags)
{
    return output_open(path, output_is_stream(place) ? UV_FS_O_NOCTTY : flags);
}

/* Checks that the file can be replaced. */
static int output_try(const char *path, const struct output_place *place)
{
    bool in_place;
    if (place->kind != OUTPUT_NEW) { /* a read-only file is not replaced */
        uv_file file = output_open_in_place(path, place, 0);
        int status = file < 0 ? file : output_close(file);
        if (status != 0) {
            return status;
        }
    }
    return output_try_replace(place, NULL, 0, &in_place);
}

int output_file_prepare(struct output_file *output, const char *path)
{
    static const uv_file standard[] = {1, 2}; /* stdout, stderr */
    struct output_place place;
    *output = (struct output_file){.path = path, .stream = -1};
    if (strcmp(path, "-") == 0) {
        output->stream = standard[0];
        output->standard = output->in_place = true;
        return 0;
    }
    int status = output_locate(path, &place);
    for (size_t i = 0; i < 2 && status == 0 && !output->standard; i++) {
        output->standard = output_is_standard(&place, standard[i]);
        output->stream = output->standard ? standard[i] : -1;
    }
    output->in_place = output->standard || (status == 0 && output_is_stream(&place));
    return status != 0 || output->in_place ? status : output_try(path, &place);
}

void output_file_append(struct output_file *output)
{
    output->fresh = !output->in_place;
    output->in_place = true;
}

int output_file_connect(struct output_file *output)
{
    if (!output->in_place || output->stream >= 0) {
        return 0;
    }
    int flags = output->fresh ? UV_FS_O_CREAT | UV_FS_O_TRUNC : UV_FS_O_NOCTTY;
    uv_file file = output_open(output->path, flags);
    output->stream = file < 0 ? -1 : file;
    return file < 0 ? file : 0;
}

int output_file_open(struct output_file *output, const char *path)
{
    int status = output_file_prepare(output, path);
    return status != 0 ? status : output_file_connect(output);
}

bool output_file_is_replaced(const struct output_file *output)
{
    return !output->in_place;
}

bool output_file_is_stdout(const struct output_file *output)
{
    return output->standard && output->stream == 1;
}

bool output_file_is_stderr(const struct output_file *output)
{
    return output->standard && output->stream == 2;
}

int output_file_write(const struct output_file *output, const char *text, size_t length)
{
    struct output_place place;
    bool in_place = false;
    if (output->in_place) {
        assert(output->stream >= 0);
        (void)fflush(stdout); /* so that text printed before comes first */
        return output_write(output->stream, text, length);
    }
    int status = output_locate(output->path, &place);
    if (status == 0) {
        status = output_try_replace(&place, text, length, &in_place);
    }
    if (status != 0 || !in_place) {
        return status;
    }
    uv_file file = output_open_in_place(output->path, &place, UV_FS_O_TRUNC);
    return file < 0 ? file : output_write_and_close(file, text, length);
}

int output_file_close(struct output_file *output)
{
    int status = 0;
    if (output->stream >= 0 && !output->standard) {
        status = output_close(output->stream);
    }
    output->stream = -1;
    output->standard = output->in_place = false;
    return status;
}
