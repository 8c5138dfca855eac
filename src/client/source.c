#include "source.h"

#include <assert.h>
#include <string.h>

#include "units.h"

#define SOURCE_TEXT_MAX 96 /* of one address with its zone and prefix */

/* ---- addresses ----------------------------------------------------------------------------- */

/* The bytes of an address, in network order. */
static uint8_t *source_bytes(struct sockaddr_storage *address, size_t *length)
{
    if (address->ss_family == AF_INET) {
        *length = sizeof(struct in_addr);
        return (uint8_t *)&((struct sockaddr_in *)(void *)address)->sin_addr;
    }
    *length = sizeof(struct in6_addr);
    return (uint8_t *)&((struct sockaddr_in6 *)(void *)address)->sin6_addr;
}

/* Moves an address by `n`. */
static void source_advance(struct sockaddr_storage *address, uint64_t n)
{
    size_t length;
    uint8_t *bytes = source_bytes(address, &length);
    for (size_t i = length; i > 0 && n > 0; i--) {
        n += bytes[i - 1];
        bytes[i - 1] = (uint8_t)n;
        n >>= 8;
    }
}

/* Whether all bits after the first `prefix` are 0. */
static bool source_is_first(struct sockaddr_storage *address, uint64_t prefix)
{
    size_t length;
    const uint8_t *bytes = source_bytes(address, &length);
    for (uint64_t bit = prefix; bit < 8 * length; bit++) {
        if ((bytes[bit / 8] >> (7 - bit % 8) & 1) != 0) {
            return false;
        }
    }
    return true;
}

/* ---- a list -------------------------------------------------------------------------------- */

static int source_parse_address(const char *text, struct sockaddr_storage *address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)address;
    memset(address, 0, sizeof(*address));
    if (uv_ip4_addr(text, 0, v4) == 0) {
        return 0;
    }
    memset(address, 0, sizeof(*address));
    return uv_ip6_addr(text, 0, v6) == 0 ? 0 : UV_EINVAL;
}

/* Reads the number after the '/'; without one the range is a single address. */
static int source_parse_prefix(const char *slash, struct source_range *range)
{
    size_t length;
    uint64_t prefix;
    (void)source_bytes(&range->first, &length);
    if (slash == NULL) {
        range->count = 1;
        return 0;
    }
    if (units_parse_integer(slash + 1, &prefix) != 0 || prefix > 8 * length ||
        !source_is_first(&range->first, prefix)) {
        return UV_EINVAL;
    }
    if (8 * length - prefix > 16) {
        return UV_E2BIG;
    }
    range->count = UINT64_C(1) << (8 * length - prefix);
    return 0;
}

static int source_parse_range(const char *text, size_t length, struct source_range *range)
{
    char copy[SOURCE_TEXT_MAX];
    if (length >= sizeof(copy)) {
        return UV_EINVAL;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    char *slash = strchr(copy, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    int status = source_parse_address(copy, &range->first);
    return status != 0 ? status : source_parse_prefix(slash, range);
}

int source_parse(const char *text, struct source_list *list)
{
    uint64_t addresses = 0;
    memset(list, 0, sizeof(*list));
    for (;;) {
        size_t length = strcspn(text, ",");
        if (list->count == SOURCE_RANGES_MAX) {
            return UV_E2BIG;
        }
        struct source_range *range = &list->ranges[list->count];
        int status = source_parse_range(text, length, range);
        if (status != 0) {
            return status;
        }
        list->count++;
        addresses += range->count;
        if (addresses > SOURCE_ADDRESSES_MAX) {
            return UV_E2BIG;
        }
        if (text[length] == '\0') {
            return 0;
        }
        text += length + 1;
    }
}

bool source_is_list(const char *text)
{
    struct source_list list;
    return source_parse(text, &list) == 0;
}

uint64_t source_count(const struct source_list *list, int family)
{
    uint64_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        count += list->ranges[i].first.ss_family == family ? list->ranges[i].count : 0;
    }
    return count;
}

void source_address(const struct source_list *list, int family, uint64_t n,
                    struct sockaddr_storage *address)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct source_range *range = &list->ranges[i];
        if (range->first.ss_family != family) {
            continue;
        }
        if (n < range->count) {
            *address = range->first;
            source_advance(address, n);
            return;
        }
        n -= range->count;
    }
    assert(false);
}

/* ---- sockets ------------------------------------------------------------------------------- */

int source_init(struct source *source, const struct source_list *list,
                const struct net_options *net)
{
    *source = (struct source){.list = *list, .net = *net};
    return uv_mutex_init(&source->lock);
}

void source_free(struct source *source)
{
    uv_mutex_destroy(&source->lock);
}

static uint64_t source_take_turn(struct source *source, int family, uint64_t count)
{
    uint64_t *next = family == AF_INET ? &source->next_v4 : &source->next_v6;
    uv_mutex_lock(&source->lock);
    uint64_t turn = (*next)++;
    uv_mutex_unlock(&source->lock);
    return turn % count;
}

int source_open(void *context, int family, uv_os_sock_t *os_socket)
{
    struct source *source = context;
    struct sockaddr_storage address;
    uint64_t count = source_count(&source->list, family);
    if (count == 0) {
        return net_open(&source->net, family, os_socket);
    }
    source_address(&source->list, family, source_take_turn(source, family, count), &address);
    return net_open_from(&source->net, (const struct sockaddr *)&address, os_socket);
}

unsigned source_open_calls(const struct source *source)
{
    return source->list.count == 0 ? net_open_calls(&source->net)
                                   : net_open_from_calls(&source->net);
}

static int source_try_family(const struct source *source, int family,
                             struct sockaddr_storage *failed)
{
    uint64_t count = source_count(&source->list, family);
    for (uint64_t n = 0; n < count; n++) {
        uv_os_sock_t os_socket;
        source_address(&source->list, family, n, failed);
        int status = net_open_from(&source->net, (const struct sockaddr *)failed, &os_socket);
        if (status != 0) {
            return status;
        }
        net_close(os_socket);
    }
    return 0;
}

int source_try(const struct source *source, struct sockaddr_storage *failed)
{
    int status = source_try_family(source, AF_INET, failed);
    return status != 0 ? status : source_try_family(source, AF_INET6, failed);
}
