#include "client_addresses.h"

#include "log.h"
#include "sys.h"

static int client_family(const struct net_resolution *server, size_t i)
{
    return server->addresses[i].ss_family;
}

static bool client_is_chosen(const struct client_options *options, int family)
{
    return !(options->ipv4 && family != AF_INET) && !(options->ipv6 && family != AF_INET6);
}

static bool client_has_source(const struct client_options *options, int family)
{
    return options->sources.count == 0 || source_count(&options->sources, family) > 0;
}

static void client_say_no_family(const struct client_options *options)
{
    log_message("%s: %s has no %s address", options->ipv4 ? "-4" : "-6", options->host,
                options->ipv4 ? "IPv4" : "IPv6");
}

static void client_say_no_source(const struct client_options *options, int family)
{
    const char *has = family == AF_INET ? "IPv4" : "IPv6";
    const char *given = family == AF_INET ? "IPv6" : "IPv4";
    log_message("--source: '%s' has only %s addresses, and %s has only %s addresses%s",
                options->source, given, options->host, has,
                options->ipv4 || options->ipv6 ? " here" : "");
}

int client_addresses_choose(const struct client_options *options, struct net_resolution *server)
{
    size_t kept = 0;
    int family = AF_UNSPEC; /* of an address that lacks a source */
    for (size_t i = 0; i < server->count; i++) {
        int own = client_family(server, i);
        bool chosen = client_is_chosen(options, own);
        family = chosen ? own : family;
        if (chosen && client_has_source(options, own)) {
            server->addresses[kept] = server->addresses[i];
            net_any_to_loopback(&server->addresses[kept++]);
        }
    }
    server->count = kept;
    if (kept > 0) {
        return 0;
    }
    if (family == AF_UNSPEC) {
        client_say_no_family(options);
    } else {
        client_say_no_source(options, family);
    }
    return UV_EAI_ADDRFAMILY;
}

int client_addresses_try(const struct source *source)
{
    struct sockaddr_storage failed;
    char address[INET6_ADDRSTRLEN] = "?";
    int status = source_try(source, &failed);
    if (status == 0) {
        return 0;
    }
    (void)uv_ip_name((const struct sockaddr *)&failed, address, sizeof(address));
    log_message("--source: %s: %s%s", address, uv_strerror(status),
                status == UV_EADDRNOTAVAIL ? "; no interface of this machine has that address"
                                           : sys_shortage(status));
    return status;
}
