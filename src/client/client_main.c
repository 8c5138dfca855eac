#include "client.h"
#include "client_options.h"
#include "merge.h"
#include "merge_options.h"
#include "program.h"

static int client_parse(struct program_options *common, int argc, char **argv,
                        struct option_error *error)
{
    return client_options_parse((struct client_options *)(void *)common, argc, argv, error);
}

int main(int argc, char **argv)
{
    if (merge_is_asked(argc, argv)) {
        return merge_main(argc, argv);
    }
    static const struct program program = {&client_program, client_parse, client_run};
    struct client_options options = {.sizes = NULL};
    int code = program_main(&program, &options.common, argc, argv);
    client_options_free(&options);
    return code;
}
