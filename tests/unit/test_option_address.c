#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <uv.h>

#include "option.h"
#include "util.h"

struct address {
    const char *text;
    const char *host; /* NULL when it isn't an address */
    const char *port;
};

static void splits_addresses(void **state)
{
    static const struct address addresses[] = {
        {"127.0.0.1:6001", "127.0.0.1", "6001"},
        {"[::1]:6001", "::1", "6001"},
        {"[fe80::1%eth0]:0", "fe80::1%eth0", "0"},
        {"[::ffff:1.2.3.4]:65535", "::ffff:1.2.3.4", "65535"},
        {"*:6001", "", "6001"},
        {":6001", "", "6001"},
        {":echo", "", "echo"},
        {"name.example:iso-tsap", "name.example", "iso-tsap"},
        {"server_machine:1", "server_machine", "1"},
        {"b\xc3\xbc.example:1", "b\xc3\xbc.example", "1"},
        {"", NULL, NULL},
        {":", NULL, NULL},
        {"*", NULL, NULL},
        {"6001", NULL, NULL},
        {"name", NULL, NULL},
        {"name:", NULL, NULL},
        {"name:65536", NULL, NULL},
        {"name:99999999999999999999999", NULL, NULL},
        {"name:-1", NULL, NULL},
        {"name:+1", NULL, NULL},
        {"name:0x1", NULL, NULL},
        {"name:1k", NULL, NULL},
        {"name: 1", NULL, NULL},
        {"::1:6001", NULL, NULL},
        {"[::1]", NULL, NULL},
        {"[::1]6001", NULL, NULL},
        {"[]:1", NULL, NULL},
        {"[:1", NULL, NULL},
        {"]:1", NULL, NULL},
        {"[*]:1", NULL, NULL},
        {"[name]:1", NULL, NULL},
        {"[127.0.0.1]:1", NULL, NULL},
        {"[a:b]:1", NULL, NULL},
        {"[::1%]:1", NULL, NULL},
        {"[::1%a b]:1", NULL, NULL},
        {"**:1", NULL, NULL},
        {"-name:1", NULL, NULL},
        {"na me:1", NULL, NULL},
        {"na/me:1", NULL, NULL},
        {"na\x1bme:1", NULL, NULL},
    };
    char host[OPTION_HOST_SIZE];
    char port[OPTION_PORT_SIZE];

    (void)state;
    for (size_t i = 0; i < LENGTH(addresses); i++) {
        int result = option_split_address(addresses[i].text, host, sizeof host, port, sizeof port);

        if (addresses[i].host == NULL) {
            assert_int_equal(result, UV_EINVAL);
        } else {
            assert_int_equal(result, 0);
            assert_string_equal(host, addresses[i].host);
            assert_string_equal(port, addresses[i].port);
        }
        assert_int_equal(option_is_address(addresses[i].text), addresses[i].host != NULL);
    }
    assert_int_equal(option_split_address("name:6001", host, 5, port, 5), 0);
    assert_int_equal(option_split_address("name:6001", host, 4, port, 5), UV_ENAMETOOLONG);
    assert_int_equal(option_split_address("name:6001", host, 5, port, 4), UV_ENAMETOOLONG);
}

static void knows_hosts(void **state)
{
    static const char *const good[] = {"localhost", "127.0.0.1", "::1", "fe80::1%eth0", "a_b.c-d"};
    static const char *const bad[] = {"",      "[::1]", "host:1", "127.0.0.1:1",
                                      "-host", "a b",   "a\nb",   "a/b",
                                      ":",     "::1%",  "http:",  "user@host"};
    char text[OPTION_HOST_SIZE + 1];

    (void)state;
    for (size_t i = 0; i < LENGTH(good); i++) {
        assert_true(option_is_host(good[i]));
    }
    for (size_t i = 0; i < LENGTH(bad); i++) {
        assert_false(option_is_host(bad[i]));
    }
    memset(text, 'a', sizeof text);
    text[OPTION_HOST_SIZE] = '\0';
    assert_false(option_is_host(text));
    text[OPTION_HOST_SIZE - 1] = '\0';
    assert_true(option_is_host(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_addresses),
        cmocka_unit_test(knows_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
