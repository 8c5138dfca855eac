#include "option_address.h"

#include <assert.h>
#include <string.h>
#include <uv.h>

#include "units.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool consists_of(const char *text, size_t length, const char *characters)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\0' || strchr(characters, text[i]) == NULL) {
            return false;
        }
    }
    return length > 0;
}

static bool is_number_of(const char *text, uint64_t min, uint64_t max)
{
    uint64_t value;

    return units_parse_integer(text, &value) == 0 && value >= min && value <= max;
}

/* As /etc/services has them. A name that begins with a digit, as few do, is more likely a mistyped
 * number. */
static bool is_service(const char *text, size_t length)
{
    return consists_of(text, length, LETTERS DIGITS "-_.+") && strchr(LETTERS, text[0]) != NULL;
}

static bool is_port(const char *text, uint64_t min)
{
    size_t length = strlen(text);

    if (length >= OPTION_PORT_SIZE) {
        return false;
    }
    return consists_of(text, length, DIGITS) ? is_number_of(text, min, 65535)
                                             : is_service(text, length);
}

bool option_is_port(const char *text)
{
    return is_port(text, 0);
}

bool option_is_server_port(const char *text)
{
    return is_port(text, 1);
}

/* A name or an IPv4 address. Bytes beyond ASCII may belong to an international name. */
static bool is_name(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x80 && !consists_of(text + i, 1, LETTERS DIGITS "-_.")) {
            return false;
        }
    }
    return length > 0 && text[0] != '-';
}

/* An IPv6 address, with or without a zone after '%' (RFC 4007). */
static bool is_ipv6(const char *text, size_t length)
{
    const char *zone = memchr(text, '%', length);
    size_t digits = zone != NULL ? (size_t)(zone - text) : length;
    struct in6_addr address;
    char copy[INET6_ADDRSTRLEN];

    if (digits >= sizeof copy) {
        return false;
    }
    if (zone != NULL && !consists_of(zone + 1, length - digits - 1, LETTERS DIGITS "-_.")) {
        return false;
    }
    memcpy(copy, text, digits);
    copy[digits] = '\0';
    return uv_inet_pton(AF_INET6, copy, &address) == 0;
}

static int copy_part(char *out, size_t size, const char *text, size_t length)
{
    if (length >= size) {
        return UV_ENAMETOOLONG;
    }
    memcpy(out, text, length);
    out[length] = '\0';
    return 0;
}

int option_split_address(const char *text, char *host, size_t host_size, char *port,
                         size_t port_size)
{
    const char *colon = strrchr(text, ':');
    const char *name = text;
    size_t length;

    assert(host != NULL && port != NULL);
    if (colon == NULL || !option_is_port(colon + 1)) {
        return UV_EINVAL;
    }
    length = (size_t)(colon - text);
    if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
        name++;
        length -= 2;
        if (!is_ipv6(name, length)) {
            return UV_EINVAL;
        }
    } else if (length == 1 && text[0] == '*') {
        length = 0;
    } else if (length > 0 && !is_name(name, length)) {
        return UV_EINVAL;
    }
    if (copy_part(host, host_size, name, length) != 0) {
        return UV_ENAMETOOLONG;
    }
    return copy_part(port, port_size, colon + 1, strlen(colon + 1));
}

bool option_is_address(const char *text)
{
    char host[OPTION_HOST_SIZE];
    char port[OPTION_PORT_SIZE];

    return option_split_address(text, host, sizeof host, port, sizeof port) == 0;
}

int option_split_server(const char *text, char *host, size_t host_size, char *port,
                        size_t port_size)
{
    size_t length = strlen(text);

    assert(host != NULL && port != NULL && port_size > 0);
    port[0] = '\0';
    if (option_is_host(text)) {
        return copy_part(host, host_size, text, length);
    }
    if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
        return is_ipv6(text + 1, length - 2) ? copy_part(host, host_size, text + 1, length - 2)
                                             : UV_EINVAL;
    }
    int result = option_split_address(text, host, host_size, port, port_size);

    if (result == 0 && !option_is_server_port(port)) {
        return UV_EINVAL;
    }
    return result;
}

bool option_is_server(const char *text)
{
    char host[OPTION_HOST_SIZE];
    char port[OPTION_PORT_SIZE];

    return option_split_server(text, host, sizeof host, port, sizeof port) == 0;
}

bool option_is_server_word(const char *text)
{
    return option_is_server(text) && !consists_of(text, strlen(text), DIGITS);
}

bool option_is_host(const char *text)
{
    size_t length = strlen(text);

    return length < OPTION_HOST_SIZE && (is_name(text, length) || is_ipv6(text, length));
}

bool option_is_word(const char *text)
{
    return consists_of(text, strlen(text), LETTERS DIGITS "-_");
}
