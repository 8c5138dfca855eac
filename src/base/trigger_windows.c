#include "trigger.h"

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define TRIGGER_OBJECTS (SYS_SENT_MEANINGS + 1)

#define TRIGGER_NAME_SIZE 64

struct trigger {
    uv_async_t async;
    uv_thread_t thread;
    void (*fired)(void *context, enum sys_meaning meaning);
    void *context;
    HANDLE objects[TRIGGER_OBJECTS];       /* a semaphore per meaning; the end event */
    volatile LONG sent[SYS_SENT_MEANINGS]; /* not yet passed to `fired` */
};

/* In the global namespace, as process numbers are: services and remote desktops run in other
 * sessions. */
static void trigger_name(char *name, size_t size, DWORD pid, enum sys_meaning meaning)
{
    static const char *const words[SYS_SENT_MEANINGS] = {
        [SYS_STOP] = "stop", [SYS_RESTART] = "restart", [SYS_REPORT] = "report"};
    (void)snprintf(name, size, "Global\\echoport-%lu-%s", (unsigned long)pid, words[meaning]);
}

/* ---- access -------------------------------------------------------------------------------- */

#define TRIGGER_ACL_SIZE (sizeof(ACL) + sizeof(ACCESS_ALLOWED_ACE) + SECURITY_MAX_SID_SIZE)

struct trigger_access {
    SECURITY_ATTRIBUTES attributes;
    SECURITY_DESCRIPTOR descriptor;
    union {
        TOKEN_USER user;
        BYTE space[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
    } token;
    union {
        ACL list;
        BYTE space[TRIGGER_ACL_SIZE];
    } acl;
};

/* Gets the user of this process. False: see GetLastError(). */
static bool trigger_find_user(struct trigger_access *access)
{
    HANDLE token;
    DWORD size;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) {
        return false;
    }
    BOOL found =
        GetTokenInformation(token, TokenUser, &access->token, sizeof(access->token), &size);
    (void)CloseHandle(token);
    return found;
}

/* Sets `access->attributes`: full access for the user of this process, none for others. False: see
 * GetLastError(). */
static bool trigger_allow_user(struct trigger_access *access)
{
    ACL *list = &access->acl.list;
    access->attributes = (SECURITY_ATTRIBUTES){
        .nLength = sizeof(access->attributes),
        .lpSecurityDescriptor = &access->descriptor,
    };
    return trigger_find_user(access) && InitializeAcl(list, TRIGGER_ACL_SIZE, ACL_REVISION) &&
           AddAccessAllowedAce(list, ACL_REVISION, SEMAPHORE_ALL_ACCESS,
                               access->token.user.User.Sid) &&
           InitializeSecurityDescriptor(&access->descriptor, SECURITY_DESCRIPTOR_REVISION) &&
           SetSecurityDescriptorDacl(&access->descriptor, TRUE, list, FALSE);
}

/* ---- listening ----------------------------------------------------------------------------- */

/* Creates a new semaphore, and fails if one exists: its owner could take what is sent. */
static int trigger_create(enum sys_meaning meaning, SECURITY_ATTRIBUTES *attributes, HANDLE *object)
{
    char name[TRIGGER_NAME_SIZE];
    trigger_name(name, sizeof(name), GetCurrentProcessId(), meaning);
    HANDLE made = CreateSemaphoreA(attributes, 0, LONG_MAX, name);
    DWORD error = GetLastError();
    if (made != NULL && error != ERROR_ALREADY_EXISTS) {
        *object = made;
        return 0;
    }
    if (made != NULL) {
        (void)CloseHandle(made);
    }
    bool taken = error == ERROR_ALREADY_EXISTS ||
                 error == ERROR_ACCESS_DENIED || /* by another user */
                 error == ERROR_INVALID_HANDLE;  /* by another kind of object */
    return taken ? UV_EEXIST : uv_translate_sys_error((int)error);
}

static int trigger_create_all(struct trigger *trigger)
{
    struct trigger_access access;
    if (!trigger_allow_user(&access)) {
        return uv_translate_sys_error((int)GetLastError());
    }
    int status = 0;
    for (int i = 0; i < SYS_SENT_MEANINGS && status == 0; i++) {
        status = trigger_create((enum sys_meaning)i, &access.attributes, &trigger->objects[i]);
    }
    if (status != 0) {
        return status;
    }
    trigger->objects[SYS_SENT_MEANINGS] = CreateEventA(NULL, TRUE, FALSE, NULL);
    return trigger->objects[SYS_SENT_MEANINGS] != NULL
               ? 0
               : uv_translate_sys_error((int)GetLastError());
}

static void trigger_close_objects(struct trigger *trigger)
{
    for (size_t i = 0; i < TRIGGER_OBJECTS; i++) {
        if (trigger->objects[i] != NULL) {
            (void)CloseHandle(trigger->objects[i]);
        }
    }
}

/* The thread: decrements a semaphore and wakes the loop, until the end event is set. */
static void trigger_listen(void *argument)
{
    struct trigger *trigger = argument;
    for (;;) {
        DWORD object = WaitForMultipleObjects(TRIGGER_OBJECTS, trigger->objects, FALSE, INFINITE);
        if (object >= WAIT_OBJECT_0 + SYS_SENT_MEANINGS) {
            return;
        }
        (void)InterlockedIncrement(&trigger->sent[object - WAIT_OBJECT_0]);
        (void)uv_async_send(&trigger->async);
    }
}

/* libuv may merge several uv_async_send() into one call: hence the counts. */
static void trigger_on_async(uv_async_t *async)
{
    struct trigger *trigger = async->data;
    for (int i = 0; i < SYS_SENT_MEANINGS; i++) {
        for (LONG sent = InterlockedExchange(&trigger->sent[i], 0); sent > 0; sent--) {
            trigger->fired(trigger->context, (enum sys_meaning)i);
        }
    }
}

static void trigger_on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void trigger_free(struct trigger *trigger)
{
    trigger_close_objects(trigger);
    uv_close((uv_handle_t *)(void *)&trigger->async, trigger_on_closed);
}

int trigger_open(uv_loop_t *loop, void (*fired)(void *context, enum sys_meaning meaning),
                 void *context, struct trigger **trigger)
{
    struct trigger *opened = calloc(1, sizeof(*opened));
    *trigger = NULL;
    if (opened == NULL) {
        return UV_ENOMEM;
    }
    opened->fired = fired;
    opened->context = context;
    int status = trigger_create_all(opened);
    if (status == 0) {
        status = uv_async_init(loop, &opened->async, trigger_on_async);
        opened->async.data = opened;
    }
    if (status != 0) {
        trigger_close_objects(opened);
        free(opened);
        return status;
    }
    status = uv_thread_create(&opened->thread, trigger_listen, opened);
    if (status != 0) {
        trigger_free(opened);
        return status;
    }
    *trigger = opened;
    return 0;
}

void trigger_close(struct trigger *trigger)
{
    if (trigger == NULL) {
        return;
    }
    (void)SetEvent(trigger->objects[SYS_SENT_MEANINGS]);
    (void)uv_thread_join(&trigger->thread);
    trigger_free(trigger);
}

/* ---- sending ------------------------------------------------------------------------------- */

/* 0: the process exists; or UV_ESRCH, or UV_EPERM. */
static int trigger_find_process(DWORD pid)
{
    HANDLE process = OpenProcess(SYNCHRONIZE, FALSE, pid);
    if (process == NULL) {
        return GetLastError() == ERROR_ACCESS_DENIED ? UV_EPERM : UV_ESRCH;
    }
    bool ended = WaitForSingleObject(process, 0) ==
                 WAIT_OBJECT_0; /* an open handle keeps its number valid */
    (void)CloseHandle(process);
    return ended ? UV_ESRCH : 0;
}

int trigger_send(int pid, enum sys_meaning meaning)
{
    char name[TRIGGER_NAME_SIZE];
    assert(pid > 0);
    assert(meaning < SYS_SENT_MEANINGS);
    int status = trigger_find_process((DWORD)pid);
    if (status != 0) {
        return status;
    }
    trigger_name(name, sizeof(name), (DWORD)pid, meaning);
    HANDLE semaphore = OpenSemaphoreA(SEMAPHORE_MODIFY_STATE, FALSE, name);
    if (semaphore == NULL) {
        return GetLastError() == ERROR_ACCESS_DENIED ? UV_EPERM : UV_ENOENT;
    }
    status = ReleaseSemaphore(semaphore, 1, NULL) ? 0 : uv_translate_sys_error((int)GetLastError());
    (void)CloseHandle(semaphore);
    return status;
}
