#include "client_options.h"

#include <stdio.h>
#include <string.h>

/* The host or the port of the server, which several options may give. */
struct choice {
    const char *noun;
    char *text; /* "" until an option gives it */
    size_t size;
    const char *option; /* the one that gave it */
};

/* Takes `text` unless it is empty. Fails if another option gave a different text. */
static int choose(struct choice *choice, const char *option, const char *text,
                  struct option_error *error)
{
    if (text[0] == '\0') {
        return 0;
    }
    if (choice->text[0] != '\0' && strcmp(choice->text, text) != 0) {
        return option_fail(&client_program, error, option,
                           "another %s, '%s', than the '%s' of %s; give one of them", choice->noun,
                           text, choice->text, choice->option);
    }
    choice->option = option;
    (void)snprintf(choice->text, choice->size, "%s", text);
    return 0;
}

/* Takes the host and the port that `server` has; NULL: the option was not given. */
static int choose_both(struct choice *host, struct choice *port, const char *option,
                       const char *server, struct option_error *error)
{
    char host_text[OPTION_HOST_SIZE] = "";
    char port_text[OPTION_PORT_SIZE] = "";
    int result;

    if (server != NULL) {
        (void)option_split_server(server, host_text, sizeof host_text, port_text,
                                  sizeof port_text); /* the row has checked it */
    }
    result = choose(host, option, host_text, error);
    return result == 0 ? choose(port, option, port_text, error) : result;
}

int client_options_choose_server(struct client_options *options, struct option_error *error)
{
    struct choice host = {"host", options->host_text, sizeof options->host_text, NULL};
    struct choice port = {"port", options->port_text, sizeof options->port_text, NULL};
    int result = choose_both(&host, &port, "HOST:PORT", options->server, error);

    if (result == 0) {
        result = choose_both(&host, &port, "--host", options->host, error);
    }
    if (result == 0 && options->port != NULL) {
        result = choose(&port, "--port", options->port, error);
    }
    options->host = host.text[0] != '\0' ? host.text : CLIENT_DEFAULT_HOST;
    options->port = port.text[0] != '\0' ? port.text : CLIENT_DEFAULT_PORT;
    return result;
}
