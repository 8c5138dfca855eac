/* What is said about an address that does not work. The test has its own interfaces: the linker
 * replaces libuv's functions by those of the test. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "hint.h"
#include "net.h"
#include "sys.h"

#define INTERFACES_MAX 64
#define ADD_INTERFACE "; add the interface to a link-local address, as in fe80::1%eth0; "

static struct {
    int status; /* of uv_interface_addresses() */
    int count;
    uv_interface_address_t interfaces[INTERFACES_MAX];
    char names[INTERFACES_MAX + 1][UV_IF_NAMESIZE]; /* by number; "": none has this number */
    int taken;                                      /* not freed yet */
} rig;

int __wrap_uv_interface_addresses(uv_interface_address_t **addresses, int *count);
void __wrap_uv_free_interface_addresses(uv_interface_address_t *addresses, int count);
int __wrap_uv_if_indextoiid(unsigned number, char *name, size_t *size);

int __wrap_uv_interface_addresses(uv_interface_address_t **addresses, int *count)
{
    if (rig.status == 0) {
        *addresses = rig.interfaces;
        *count = rig.count;
        rig.taken++;
    }
    return rig.status;
}

void __wrap_uv_free_interface_addresses(uv_interface_address_t *addresses, int count)
{
    assert_ptr_equal(addresses, rig.interfaces);
    assert_int_equal(count, rig.count);
    rig.taken--;
}

int __wrap_uv_if_indextoiid(unsigned number, char *name, size_t *size)
{
    size_t length = strlen(rig.names[number]);
    assert_true(number > 0 && number <= INTERFACES_MAX && length < *size);
    memcpy(name, rig.names[number], length + 1);
    *size = length;
    return length > 0 ? 0 : UV_ENXIO;
}

static int clear(void **state)
{
    (void)state;
    memset(&rig, 0, sizeof(rig));
    return 0;
}

static int check(void **state)
{
    (void)state;
    assert_int_equal(rig.taken, 0);
    return 0;
}

static void has_v4(const char *address)
{
    assert_int_equal(uv_ip4_addr(address, 0, &rig.interfaces[rig.count++].address.address4), 0);
}

/* An address of an interface. `number` is that of the interface; 0 if the address is not a
 * link-local one. */
static void has_v6(const char *address, unsigned number, const char *name)
{
    struct sockaddr_in6 *at = &rig.interfaces[rig.count++].address.address6;
    assert_int_equal(uv_ip6_addr(address, 0, at), 0);
    at->sin6_scope_id = number;
    (void)snprintf(rig.names[number], UV_IF_NAMESIZE, "%s", name);
}

static const struct sockaddr *address_of(const char *text)
{
    static struct sockaddr_storage address;
    memset(&address, 0, sizeof(address));
    if (uv_ip4_addr(text, 9, (struct sockaddr_in *)&address) != 0) {
        assert_int_equal(uv_ip6_addr(text, 9, (struct sockaddr_in6 *)&address), 0);
    }
    return (const struct sockaddr *)&address;
}

static void connect_says(const char *address, int status, const char *expected)
{
    char text[HINT_TEXT] = "of before";
    hint_connect(address_of(address), status, text);
    assert_string_equal(text, expected);
}

static void bind_says(const char *address, int status, const char *expected)
{
    char text[HINT_TEXT] = "of before";
    hint_bind(address_of(address), status, text);
    assert_string_equal(text, expected);
}

static void resolve_says(const char *host, int status, const char *expected)
{
    char text[HINT_TEXT] = "of before";
    hint_resolve(host, status, text);
    assert_string_equal(text, expected);
}

/* ---- interfaces ------------------------------------------------------------------------------ */

static void interfaces_with_such_addresses_are_listed(void **state)
{
    (void)state;
    has_v4("127.0.0.1");
    has_v6("::1", 0, "");
    has_v6("fe80::7", 2, "eth0");
    has_v4("192.0.2.1");
    has_v6("2001:db8::1", 0, "");
    has_v6("fe80::8", 3, "wlan0");
    connect_says("fe80::1", UV_EINVAL, ADD_INTERFACE "this machine has eth0, wlan0");
    bind_says("fe80::1", UV_EINVAL, ADD_INTERFACE "this machine has eth0, wlan0");
    resolve_says("fe80::1%et0", UV_EAI_NONAME, ADD_INTERFACE "this machine has eth0, wlan0");
}

static void an_interface_is_listed_once(void **state)
{
    (void)state;
    has_v6("fe80::7", 2, "eth0");
    has_v6("fe80::8", 2, "eth0");
    has_v6("fe80::9", 3, "eth1");
    has_v6("fe80::8", 2, "eth0");
    bind_says("fe80::1", UV_EINVAL, ADD_INTERFACE "this machine has eth0, eth1");
}

static void a_name_within_another_is_listed(void **state)
{
    (void)state;
    has_v6("fe80::7", 10, "eth10");
    has_v6("fe80::8", 1, "eth1");
    has_v6("fe80::9", 2, "th1");
    bind_says("fe80::1", UV_EINVAL, ADD_INTERFACE "this machine has eth10, eth1, th1");
}

static void no_interface_is_said(void **state)
{
    (void)state;
    bind_says("fe80::1", UV_EINVAL, ADD_INTERFACE "no interface here has such addresses");
    has_v4("127.0.0.1");
    has_v6("::1", 0, "");
    has_v6("fe80::7", 5, ""); /* it went away in between */
    bind_says("fe80::1", UV_EINVAL, ADD_INTERFACE "no interface here has such addresses");
    rig.status = UV_ENOMEM;
    bind_says("fe80::1", UV_EINVAL, ADD_INTERFACE "no interface here has such addresses");
}

/* More than fit: the list is cut between two of them. */
static void names_are_whole(void **state)
{
    char text[HINT_TEXT];
    (void)state;
    for (unsigned i = 1; i <= INTERFACES_MAX; i++) {
        char name[UV_IF_NAMESIZE];
        (void)snprintf(name, sizeof(name), "container%03u", i);
        has_v6("fe80::7", i, name);
    }
    hint_bind(address_of("fe80::1"), UV_EINVAL, text);
    const char *at = strstr(text, "container");
    assert_non_null(at);
    assert_true(strlen(at) > 100);
    for (unsigned i = 1; *at != '\0'; i++) {
        char name[UV_IF_NAMESIZE];
        int length = snprintf(name, sizeof(name), "container%03u", i);
        assert_memory_equal(at, name, (size_t)length);
        at += length;
        at += strncmp(at, ", ", 2) == 0 ? 2 : 0;
    }
}

/* ---- causes ---------------------------------------------------------------------------------- */

static void ports_that_are_used_up_have_a_remedy(void **state)
{
    char expected[HINT_TEXT];
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        (void)snprintf(expected, sizeof(expected),
                       "; the local ports for this address are used up%s: use fewer and longer "
                       "connections (--connections, --lifetime), a wider range of ports (%s), or "
                       "more addresses (--source)",
                       v6 ? ", or there is no local IPv6 address" : "", net_port_range);
        connect_says(v6 ? "2001:db8::1" : "192.0.2.1", UV_EADDRNOTAVAIL, expected);
    }
    connect_says("192.0.2.1", UV_ECONNREFUSED, "");
}

static void an_address_of_others_cannot_be_bound(void **state)
{
    (void)state;
    bind_says("192.0.2.1", UV_EADDRNOTAVAIL,
              "; no interface of this machine has that address; use * for all addresses");
    bind_says("192.0.2.1", UV_EMFILE, sys_shortage(UV_EMFILE));
    bind_says("192.0.2.1", UV_EACCES, "");
}

static void a_host_that_is_not_found_has_a_remedy(void **state)
{
    (void)state;
    has_v6("fe80::7", 2, "eth0");
    resolve_says(NULL, UV_EAI_SERVICE, "; no such service: give the port as a number");
    resolve_says("host", UV_EAI_NONAME, "; check the spelling, or give the address as a number");
    resolve_says(NULL, UV_EAI_NONAME, "; check the spelling, or give the address as a number");
    resolve_says("host", UV_EAI_MEMORY, sys_shortage(UV_EAI_MEMORY));
    resolve_says("fe80::1%eth0", UV_EAI_MEMORY, sys_shortage(UV_EAI_MEMORY));
    resolve_says("fe80::1%eth7", UV_EINVAL, ADD_INTERFACE "this machine has eth0");
    resolve_says("host", UV_EAI_FAIL, "");
}

#define HINT(test) cmocka_unit_test_setup_teardown(test, clear, check)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HINT(interfaces_with_such_addresses_are_listed),
        HINT(an_interface_is_listed_once),
        HINT(a_name_within_another_is_listed),
        HINT(no_interface_is_said),
        HINT(names_are_whole),
        HINT(ports_that_are_used_up_have_a_remedy),
        HINT(an_address_of_others_cannot_be_bound),
        HINT(a_host_that_is_not_found_has_a_remedy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
