#include "program.h"
#include "server.h"
#include "server_options.h"

static int server_parse(struct program_options *common, int argc, char **argv,
                        struct option_error *error)
{
    return server_options_parse((struct server_options *)(void *)common, argc, argv, error);
}

int main(int argc, char **argv)
{
    static const struct program program = {&server_program, server_parse, server_run};
    struct server_options options;
    return program_main(&program, &options.common, argc, argv);
}
