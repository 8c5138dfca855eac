#include "option_rig.h"

#include <string.h>

struct rig_command rig_command;
struct option_error rig_error;

void rig_split(const char *text)
{
    char *at = rig_command.text;

    memset(&rig_command, 0, sizeof rig_command);
    assert_true(strlen(text) < sizeof rig_command.text);
    memcpy(rig_command.text, text, strlen(text));
    while (at != NULL) {
        assert_true(rig_command.argc < RIG_WORDS_MAX);
        rig_command.argv[rig_command.argc++] = at;
        at = strchr(at, ' ');
        if (at != NULL) {
            *at++ = '\0';
        }
    }
}

int rig_client(struct client_options *options, const char *text)
{
    rig_split(text);
    return client_options_parse(options, rig_command.argc, rig_command.argv, &rig_error);
}

int rig_server(struct server_options *options, const char *text)
{
    rig_split(text);
    return server_options_parse(options, rig_command.argc, rig_command.argv, &rig_error);
}
