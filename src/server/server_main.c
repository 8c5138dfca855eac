#include "program.h"
#include "server.h"
#include "server_options.h"

static int server_parse(struct program_options *common, int argc, char **argv,
                        struct option_error *error)
{
    return server_options_parse((struct server_options *)(void *)common, argc, argv, error);
}

static int server_start(const struct program_options *common, const struct backend *backend,
                        const char *note)
{
    return server_run((const struct server_options *)(const void *)common, backend, note);
}

int main(int argc, char **argv)
{
    static const struct program program = {&server_program, server_parse, server_start};
    struct server_options options;
    return program_main(&program, &options.common, argc, argv);
}
