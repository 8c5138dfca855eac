/*
 * The named semaphores of --signal on Windows: access rights, and names that are already taken.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <aclapi.h>
#include <stdio.h>

#include "patience.h"
#include "sys.h"
#include "trigger.h"

static void ignore(void *context, enum sys_meaning meaning)
{
    (void)context;
    (void)meaning;
}

static const char *name_of(const char *word)
{
    static char name[64];
    (void)snprintf(name, sizeof(name), "Global\\echoport-%lu-%s", GetCurrentProcessId(), word);
    return name;
}

static struct trigger *opened(uv_loop_t *loop)
{
    struct trigger *trigger = NULL;
    assert_int_equal(uv_loop_init(loop), 0);
    assert_int_equal(trigger_open(loop, ignore, NULL, &trigger), 0);
    assert_non_null(trigger);
    return trigger;
}

static void closed(struct trigger *trigger, uv_loop_t *loop)
{
    trigger_close(trigger);
    assert_int_equal(uv_run(loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(loop), 0);
}

/* This process has no trigger open, like any other program. */
static void strangers_do_not_listen(void **state)
{
    (void)state;
    assert_int_equal(trigger_send(uv_os_getpid(), SYS_STOP), UV_ENOENT);
    assert_int_equal(trigger_send(uv_os_getpid(), SYS_RESTART), UV_ENOENT);
    assert_int_equal(trigger_send(uv_os_getpid(), SYS_REPORT), UV_ENOENT);
}

static void a_closed_trigger_does_not_listen(void **state)
{
    uv_loop_t loop;
    (void)state;
    closed(opened(&loop), &loop);
    assert_int_equal(trigger_send(uv_os_getpid(), SYS_STOP), UV_ENOENT);
}

/* Process numbers are multiples of four. */
static void no_process_is_there(void **state)
{
    (void)state;
    assert_int_equal(trigger_send(INT32_MAX - 3, SYS_STOP), UV_ESRCH);
    assert_int_equal(trigger_send(1, SYS_STOP), UV_ESRCH);
}

/* An open handle keeps the number of an ended process valid. */
static void an_ended_process_is_not_there(void **state)
{
    STARTUPINFOA startup = {.cb = sizeof(startup)};
    PROCESS_INFORMATION process;
    char line[] = "cmd /c exit 0";
    (void)state;
    assert_true(CreateProcessA(NULL, line, NULL, NULL, FALSE, CREATE_NO_WINDOW, NULL, NULL,
                               &startup, &process));
    assert_int_equal(WaitForSingleObject(process.hProcess, PATIENCE_MS), WAIT_OBJECT_0);
    assert_int_equal(trigger_send((int)process.dwProcessId, SYS_STOP), UV_ESRCH);
    (void)CloseHandle(process.hThread);
    (void)CloseHandle(process.hProcess);
}

/* The list has one entry: the user of this process. */
static void the_same_user_may_and_nobody_else(void **state)
{
    static const char *const words[] = {"stop", "restart", "report"};
    union {
        TOKEN_USER user;
        BYTE space[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
    } token;
    HANDLE handle;
    DWORD size;
    uv_loop_t loop;
    struct trigger *trigger = opened(&loop);
    (void)state;
    assert_true(OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &handle));
    assert_true(GetTokenInformation(handle, TokenUser, &token, sizeof(token), &size));
    (void)CloseHandle(handle);
    for (size_t i = 0; i < SYS_SENT_MEANINGS; i++) {
        PACL list = NULL;
        PSECURITY_DESCRIPTOR descriptor = NULL;
        ACCESS_ALLOWED_ACE *entry = NULL;
        HANDLE semaphore = OpenSemaphoreA(READ_CONTROL, FALSE, name_of(words[i]));
        assert_non_null(semaphore);
        assert_int_equal(GetSecurityInfo(semaphore, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION,
                                         NULL, NULL, &list, NULL, &descriptor),
                         ERROR_SUCCESS);
        assert_non_null(list);
        assert_int_equal(list->AceCount, 1);
        assert_true(GetAce(list, 0, (void **)&entry));
        assert_int_equal(entry->Header.AceType, ACCESS_ALLOWED_ACE_TYPE);
        assert_true(EqualSid(&entry->SidStart, token.user.User.Sid));
        (void)LocalFree(descriptor);
        (void)CloseHandle(semaphore);
    }
    closed(trigger, &loop);
}

/* A semaphore that allows no access, as one of another user would deny us access. */
static void another_user_may_not(void **state)
{
    ACL list;
    SECURITY_DESCRIPTOR descriptor;
    SECURITY_ATTRIBUTES attributes = {.nLength = sizeof(attributes),
                                      .lpSecurityDescriptor = &descriptor};
    (void)state;
    assert_true(InitializeAcl(&list, sizeof(list), ACL_REVISION));
    assert_true(InitializeSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION));
    assert_true(SetSecurityDescriptorDacl(&descriptor, TRUE, &list, FALSE));
    HANDLE semaphore = CreateSemaphoreA(&attributes, 0, 1, name_of("stop"));
    assert_non_null(semaphore);
    assert_int_equal(trigger_send(uv_os_getpid(), SYS_STOP), UV_EPERM);
    (void)CloseHandle(semaphore);
}

static void opening_says_that_a_name_is_taken(HANDLE taker)
{
    uv_loop_t loop;
    struct trigger *trigger = NULL;
    assert_non_null(taker);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(trigger_open(&loop, ignore, NULL, &trigger), UV_EEXIST);
    assert_null(trigger);
    assert_int_equal(uv_loop_close(&loop), 0);
    (void)CloseHandle(taker);
}

/* Each name, taken by any kind of object. Nothing of the other names stays open. */
static void a_name_that_is_taken_is_reported(void **state)
{
    uv_loop_t loop;
    (void)state;
    opening_says_that_a_name_is_taken(CreateSemaphoreA(NULL, 0, 1, name_of("stop")));
    opening_says_that_a_name_is_taken(CreateSemaphoreA(NULL, 0, 1, name_of("restart")));
    opening_says_that_a_name_is_taken(CreateSemaphoreA(NULL, 0, 1, name_of("report")));
    opening_says_that_a_name_is_taken(CreateEventA(NULL, TRUE, FALSE, name_of("restart")));
    closed(opened(&loop), &loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_do_not_listen),
        cmocka_unit_test(a_closed_trigger_does_not_listen),
        cmocka_unit_test(no_process_is_there),
        cmocka_unit_test(an_ended_process_is_not_there),
        cmocka_unit_test(the_same_user_may_and_nobody_else),
        cmocka_unit_test(another_user_may_not),
        cmocka_unit_test(a_name_that_is_taken_is_reported),
    };
    sys_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
