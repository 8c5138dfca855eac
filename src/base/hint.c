#include "hint.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "net.h"
#include "sys.h"

/* Whether the list, "eth10, wlan0", has the interface. */
static bool hint_has_scope(const char *list, const char *scope)
{
    size_t length = strlen(scope);
    for (const char *at = strstr(list, scope); at != NULL; at = strstr(at + 1, scope)) {
        bool begins = at == list || at[-1] == ' ';
        if (begins && (at[length] == ',' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

/* Adds the interface of the address, if it has one that fits and is not in the list yet. */
static void hint_add_scope(char *list, size_t size, const uv_interface_address_t *from)
{
    char scope[UV_IF_NAMESIZE];
    size_t length = sizeof(scope); /* later without the NUL */
    size_t used = strlen(list);
    const char *comma = used > 0 ? ", " : "";
    unsigned number = from->address.address4.sin_family == AF_INET6
                          ? (unsigned)from->address.address6.sin6_scope_id
                          : 0;
    if (number != 0 && uv_if_indextoiid(number, scope, &length) == 0 &&
        used + strlen(comma) + length < size && !hint_has_scope(list, scope)) {
        (void)snprintf(list + used, size - used, "%s%s", comma, scope);
    }
}

/* The interfaces that may follow a link-local address here, as many as fit. "": there is none. */
static void hint_scopes(char *list, size_t size)
{
    uv_interface_address_t *interfaces = NULL;
    int count = 0;
    list[0] = '\0';
    if (uv_interface_addresses(&interfaces, &count) != 0) {
        return;
    }
    for (int i = 0; i < count; i++) {
        hint_add_scope(list, size, &interfaces[i]);
    }
    uv_free_interface_addresses(interfaces, count);
}

static void hint_scope(char text[HINT_TEXT])
{
    char scopes[128];
    hint_scopes(scopes, sizeof(scopes));
    (void)snprintf(
        text, HINT_TEXT, "; add the interface to a link-local address, as in fe80::1%%eth0; %s%s",
        scopes[0] != '\0' ? "this machine has " : "no interface here has such addresses", scopes);
}

void hint_connect(const struct sockaddr *address, int status, char text[HINT_TEXT])
{
    text[0] = '\0';
    if (net_lacks_scope(address)) {
        hint_scope(text);
    } else if (net_is_out_of_ports(status)) {
        (void)snprintf(text, HINT_TEXT,
                       "; the local ports for this address are used up%s: use fewer and longer "
                       "connections (--connections, --lifetime), a wider range of ports (%s), or "
                       "more addresses (--source)",
                       address->sa_family == AF_INET6 ? ", or there is no local IPv6 address" : "",
                       net_port_range);
    }
}

void hint_bind(const struct sockaddr *address, int status, char text[HINT_TEXT])
{
    if (net_lacks_scope(address)) {
        hint_scope(text);
    } else if (status == UV_EADDRNOTAVAIL) {
        (void)snprintf(text, HINT_TEXT,
                       "; no interface of this machine has that address; use * for all addresses");
    } else {
        (void)snprintf(text, HINT_TEXT, "%s", sys_shortage(status));
    }
}

void hint_resolve(const char *host, int status, char text[HINT_TEXT])
{
    if (status == UV_EAI_SERVICE) {
        (void)snprintf(text, HINT_TEXT, "; no such service: give the port as a number");
    } else if (host != NULL && strchr(host, '%') != NULL && sys_shortage(status)[0] == '\0') {
        hint_scope(text);
    } else if (status == UV_EAI_NONAME) {
        (void)snprintf(text, HINT_TEXT, "; check the spelling, or give the address as a number");
    } else {
        (void)snprintf(text, HINT_TEXT, "%s", sys_shortage(status));
    }
}
