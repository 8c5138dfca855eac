#include "hint.h"

#include <stdio.h>
#include <string.h>

#include "net.h"
#include "sys.h"

/* The interfaces that may follow a link-local address here: "eth0, wlan0"; "": there is none. */
static void hint_scopes(char *text, size_t size)
{
    uv_interface_address_t *interfaces = NULL;
    int count = 0;
    text[0] = '\0';
    if (uv_interface_addresses(&interfaces, &count) != 0) {
        return;
    }
    for (int i = 0; i < count; i++) {
        char scope[UV_IF_NAMESIZE];
        size_t room = sizeof(scope);
        size_t used = strlen(text);
        unsigned number = interfaces[i].address.address4.sin_family == AF_INET6
                              ? (unsigned)interfaces[i].address.address6.sin6_scope_id
                              : 0;
        if (number != 0 && uv_if_indextoiid(number, scope, &room) == 0 &&
            strstr(text, scope) == NULL) {
            (void)snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "", scope);
        }
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
                       "more addresses",
                       address->sa_family == AF_INET6 ? ", or there is no local IPv6 address" : "",
                       net_port_range);
    }
}

void hint_bind(const struct sockaddr *address, int status, char text[HINT_TEXT])
{
    text[0] = '\0';
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
    text[0] = '\0';
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
