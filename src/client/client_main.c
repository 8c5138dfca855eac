#include "program.h"
#include "client.h"
#include "client_options.h"
#include "log.h"

static int client_parse(struct program_options *common, int argc, char **argv,
                        struct option_error *error)
{
    return client_options_parse((struct client_options *)(void *)common, argc, argv, error);
}

static int client_start(const struct program_options *common, const struct backend *backend,
                        const char *note)
{
    if (note[0] != '\0') {
        log_message("--backend: using %s (%s)", backend->name, note);
    }
    return client_run((const struct client_options *)(const void *)common, backend);
}

int main(int argc, char **argv)
{
    static const struct program program = {&client_program, client_parse, client_start};
    struct client_options options;
    return program_main(&program, &options.common, argc, argv);
}
