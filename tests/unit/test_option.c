#include "merge_options.h"
#include "option_rig.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "units.h"

static void client_has_the_defaults_of_1998(void **state)
{
    struct client_options options;

    (void)state;
    assert_int_equal(rig_client(&options, "echo-client"), 0);
    assert_string_equal(options.host, "localhost");
    assert_string_equal(options.port, "5001");
    assert_int_equal(options.threads, 1);
    assert_int_equal(options.connections, 1);
    assert_int_equal(options.message_size, 4096);
    assert_int_equal(options.pipeline, 1);
    assert_true(options.rate <= 0);
    assert_int_equal(options.duration_ns, 0);
    assert_int_equal(options.requests, 0);
    assert_int_equal(options.connect_timeout_ns, 5 * NS_PER_S);
    assert_int_equal(options.timeout_ns, 10 * NS_PER_S);
    assert_int_equal(options.give_up_ns, 30 * NS_PER_S);
    assert_false(options.allow_drain);
    assert_false(options.stop_on_error);
    assert_int_equal(options.wait_ns, 0);
    assert_int_equal(options.buffer_size, 256 * UNITS_KIB);
    assert_true(options.common.nodelay);
    assert_false(options.common.verbose);
    assert_null(options.common.json);
    assert_string_equal(options.common.backend, "uv");
    assert_null(options.common.recv);
}

/* The default leaves room for two timeouts; a value that is given must do so, too. */
static void giving_up_takes_two_timeouts(void **state)
{
    struct client_options options;

    (void)state;
    assert_int_equal(rig_client(&options, "echo-client --timeout 20s"), 0);
    assert_int_equal(options.give_up_ns, 40 * NS_PER_S);
    assert_int_equal(rig_client(&options, "echo-client --timeout 0"), 0);
    assert_int_equal(options.give_up_ns, 30 * NS_PER_S);
    assert_int_equal(rig_client(&options, "echo-client --timeout 1s --give-up 2s"), 0);
    assert_int_equal(options.give_up_ns, 2 * NS_PER_S);
    assert_int_equal(rig_client(&options, "echo-client --give-up 0"), 0);
    assert_int_equal(options.give_up_ns, 0);
    assert_int_equal(rig_client(&options, "echo-client --give-up 19s"), UV_EINVAL);
}

static void server_has_defaults(void **state)
{
    struct server_options options;

    (void)state;
    assert_int_equal(rig_server(&options, "echo-server"), 0);
    assert_string_equal(options.port, "5001");
    assert_int_equal(options.listen.count, 0);
    assert_int_equal(options.threads, 0);
    assert_int_equal(options.max_connections, 16384);
    assert_int_equal(options.backlog, 1024);
    assert_null(options.accept);
    assert_null(options.common.recv);
    assert_int_equal(options.accept_depth, 8);
    assert_int_equal(options.accept_timeout_ns, 5 * NS_PER_S);
    assert_int_equal(options.buffer_memory, 256 * UNITS_MIB);
    assert_int_equal(options.idle_timeout_ns, 60 * NS_PER_S);
    assert_int_equal(options.stall_timeout_ns, 5 * NS_PER_S);
    assert_int_equal(options.drain_timeout_ns, 10 * NS_PER_S);
    assert_int_equal(options.stats_interval_ns, 0);
    assert_true(options.common.nodelay);
}

static void reads_the_process_and_what_to_tell_it(void **state)
{
    struct server_options server;
    struct client_options client;

    (void)state;
    assert_int_equal(rig_server(&server, "echo-server"), 0);
    assert_null(server.common.signal);
    assert_int_equal(server.common.pid, 0);
    assert_int_equal(rig_server(&server, "echo-server --signal=restart --pid 2"), 0);
    assert_string_equal(server.common.signal, "restart");
    assert_int_equal(server.common.pid, 2);
    assert_int_equal(rig_server(&server, "echo-server --signal=report --pid 1"), 0);
    assert_string_equal(server.common.signal, "report");
    assert_int_equal(server.common.pid, 1);
    assert_int_equal(rig_client(&client, "echo-client --signal=report --pid=1"), 0);
    assert_int_equal(rig_client(&client, "echo-client --pid=2147483647 --signal stop"), 0);
    assert_string_equal(client.common.signal, "stop");
    assert_int_equal(client.common.pid, INT32_MAX);
}

static void takes_the_command_lines_of_1998(void **state)
{
    static const char *const lines[] = {
        "echo-client -n:server_machine -t:32 -v -e:6001 -b:4",
        "echo-client -E:6001 -b:4 -T:32 -v -N:server_machine",
        "echo-client -B:4 -v -n server_machine -e 6001 -t 32",
        "echo-client --host=server_machine --threads 32 --verbose --port 6001 -s 4KiB",
    };
    struct server_options server;

    (void)state;
    for (size_t i = 0; i < LENGTH(lines); i++) {
        struct client_options client;

        assert_int_equal(rig_client(&client, lines[i]), 0);
        assert_string_equal(client.host, "server_machine");
        assert_string_equal(client.port, "6001");
        assert_int_equal(client.threads, 32);
        assert_int_equal(client.connections, 32);
        assert_int_equal(client.message_size, 4096);
        assert_true(client.common.verbose);
    }
    assert_int_equal(rig_server(&server, "echo-server -v -E:echo"), 0);
    assert_string_equal(server.port, "echo");
    assert_true(server.common.verbose);
}

/* What names a server, and the host and port of it. */
struct place {
    const char *words;
    const char *host;
    const char *port;
};

static void takes_a_server_in_every_form(void **state)
{
    static const struct place list[] = {
        {"127.0.0.1:6001", "127.0.0.1", "6001"},
        {"[::1]:6001", "::1", "6001"},
        {"[fe80::1%eth0]:6001", "fe80::1%eth0", "6001"},
        {"[::]:6001", "::", "6001"},
        {"0.0.0.0:6001", "0.0.0.0", "6001"},
        {"name:echo", "name", "echo"},
        {"name", "name", "5001"},
        {"[::1]", "::1", "5001"},
        {"::1", "::1", "5001"},
        {"fe80::1:6001", "fe80::1:6001", "5001"},
        {":6001", "localhost", "6001"},
        {"*:6001", "localhost", "6001"},
    };
    static const char *const forms[] = {
        "%s",        "-v %s",     "%s -t:1",     "-- %s",     "-v -- %s",       "-n %s",   "-N:%s",
        "--host %s", "--host=%s", "--json=- %s", "%s --json", "-n other -n %s", "%s -n:%s"};
    (void)state;
    for (size_t i = 0; i < LENGTH(list) * LENGTH(forms); i++) {
        const struct place *place = &list[i / LENGTH(forms)];
        const char *form = forms[i % LENGTH(forms)];
        struct client_options options;
        char words[128];
        char line[192];

        snprintf(words, sizeof words, "%.*s%s%s", (int)(strstr(form, "%s") - form), form,
                 place->words, strstr(form, "%s") + 2);
        if (strstr(words, "%s") != NULL) {
            snprintf(line, sizeof line, "echo-client %.*s%s", (int)(strstr(words, "%s") - words),
                     words, place->words);
        } else {
            snprintf(line, sizeof line, "echo-client %s", words);
        }
        if (rig_client(&options, line) != 0) {
            fail_msg("%s: %s", line, rig_error.text);
        }
        assert_string_equal(options.host, place->host);
        assert_string_equal(options.port, place->port);
    }
}

static void takes_places_that_agree(void **state)
{
    static const struct place list[] = {
        {"-p 6001", "localhost", "6001"},
        {"-p:6001 -n:a", "a", "6001"},
        {"a -e 6001", "a", "6001"},
        {"-p 6001 a", "a", "6001"},
        {"a -p 1 -e 6001", "a", "6001"},
        {"a:6001 -p 6001 -n a", "a", "6001"},
        {"a -n:6001:6001", NULL, NULL},
        {":6001 -n a", "a", "6001"},
        {"a -n :6001", "a", "6001"},
        {"[::1]:6001 -n ::1 -p 6001", "::1", "6001"},
        {"--wait 30s a:6001 -P 4", "a", "6001"},
    };
    struct server_options server;

    (void)state;
    for (size_t i = 0; i < LENGTH(list); i++) {
        struct client_options options;
        char line[192];

        snprintf(line, sizeof line, "echo-client %s", list[i].words);
        if (list[i].host == NULL) {
            assert_int_equal(rig_client(&options, line), UV_EINVAL);
        } else {
            assert_int_equal(rig_client(&options, line), 0);
            assert_string_equal(options.host, list[i].host);
            assert_string_equal(options.port, list[i].port);
        }
    }
    assert_int_equal(rig_server(&server, "echo-server -p 6001"), 0);
    assert_string_equal(server.port, "6001");
}

static void stops_at_help_and_version(void **state)
{
    static const char *const helps[] = {"-?", "-h", "--help", "-v -? --bogus", "-? -t8"};
    static const char *const versions[] = {"--version", "--version stray"};
    struct client_options options;
    char text[64];

    (void)state;
    for (size_t i = 0; i < LENGTH(helps); i++) {
        snprintf(text, sizeof text, "echo-client %s", helps[i]);
        assert_int_equal(rig_client(&options, text), 1);
        assert_true(options.common.help && !options.common.version);
    }
    for (size_t i = 0; i < LENGTH(versions); i++) {
        snprintf(text, sizeof text, "echo-client %s", versions[i]);
        assert_int_equal(rig_client(&options, text), 1);
        assert_true(options.common.version && !options.common.help);
    }
}

static void takes_an_old_name(void **state)
{
    static const char *const names[] = {"--no-progress", "--no-color"};
    struct client_options options;

    (void)state;
    for (size_t i = 0; i < LENGTH(names); i++) {
        char text[64];

        snprintf(text, sizeof text, "echo-client %s", names[i]);
        assert_int_equal(rig_client(&options, text), 0);
        assert_true(options.common.no_progress && !options.common.details);
    }
    assert_int_equal(rig_client(&options, "echo-client --details"), 0);
    assert_true(options.common.details && !options.common.no_progress);
}

static void takes_a_slash_only_when_told(void **state)
{
    struct client_options options;

    (void)state;
    rig_split("echo-client /e:6001 /T:2 /n ::1 /v");
    assert_int_equal(option_parse(&client_program, &options, rig_command.argc, rig_command.argv,
                                  true, &rig_error),
                     0);
    assert_string_equal(options.port, "6001");
    assert_string_equal(options.host, "::1");
    assert_int_equal(options.threads, 2);
    assert_true(options.common.verbose);

    rig_split("echo-client /?");
    assert_int_equal(option_parse(&client_program, &options, rig_command.argc, rig_command.argv,
                                  true, &rig_error),
                     1);
    assert_true(options.common.help);
    assert_int_equal(option_parse(&client_program, &options, rig_command.argc, rig_command.argv,
                                  false, &rig_error),
                     UV_EINVAL);
}

static void the_last_one_counts(void **state)
{
    struct client_options options;

    (void)state;
    assert_int_equal(
        rig_client(&options, "echo-client -t 2 --threads=3 -b:4 -s 10 --cpus 5-7 --cpus 1"), 0);
    assert_int_equal(options.threads, 3);
    assert_int_equal(options.message_size, 10);
    assert_int_equal(options.cpus.count, 1);
    assert_int_equal(options.cpus.ids[0], 1);
    assert_int_equal(rig_client(&options, "echo-client -s 10 -b:4 --json=x --json --"), 0);
    assert_int_equal(options.message_size, 4096);
    assert_string_equal(options.common.json, "-");
}

static void gathers_addresses(void **state)
{
    struct server_options options;

    (void)state;
    assert_int_equal(rig_server(&options, "echo-server -l :1 -l:*:2 --listen=[::1]:3"), 0);
    assert_null(options.port);
    assert_int_equal(options.listen.count, 3);
    assert_string_equal(options.listen.items[0], ":1");
    assert_string_equal(options.listen.items[1], "*:2");
    assert_string_equal(options.listen.items[2], "[::1]:3");
    assert_int_equal(rig_server(&options, "echo-server -e 0 -l localhost:echo"), 0);
    assert_string_equal(options.port, "0");
    assert_int_equal(options.listen.count, 1);
}

static void reads_every_type(void **state)
{
    static const int cpus[] = {7, 0, 2, 3, 1023};
    struct client_options options;

    (void)state;
    assert_int_equal(rig_client(&options, "echo-client -c 1k -s 64MiB -d 1.5s --seed 0xFF "
                                          "--nodelay=off --cpus 7,0,2-3,1023 --json=- -R 0"),
                     0);
    assert_int_equal(options.connections, 1000);
    assert_int_equal(options.message_size, 64 * UNITS_MIB);
    assert_int_equal(options.duration_ns, 1500 * NS_PER_MS);
    assert_int_equal(options.seed, 255);
    assert_false(options.common.nodelay);
    assert_int_equal(options.cpus.count, LENGTH(cpus));
    assert_memory_equal(options.cpus.ids, cpus, sizeof cpus);
    assert_string_equal(options.common.json, "-");
}

static void reads_the_modes_of_backends(void **state)
{
    struct server_options server;
    struct client_options client;

    (void)state;
    assert_int_equal(rig_server(&server, "echo-server --accept=acceptex-data --recv posted "
                                         "--accept-depth 1Ki --accept-timeout=0"),
                     0);
    assert_string_equal(server.accept, "acceptex-data");
    assert_string_equal(server.common.recv, "posted");
    assert_int_equal(server.accept_depth, 1024);
    assert_int_equal(server.accept_timeout_ns, 0);
    assert_int_equal(rig_client(&client, "echo-client --recv=posted"), 0);
    assert_string_equal(client.common.recv, "posted");
    assert_int_equal(rig_client(&client, "echo-client --accept=acceptex"), UV_EINVAL);
}

static void takes_the_ends_of_ranges(void **state)
{
    static const char *const lines[] = {
        "echo-client -c 1M -t 1024 -s 1TiB -P 65536 -R 1G --lifetime 1000T --requests 1000T",
        "echo-client -c 1 -t 1 -s 1 -P 1 -R 1 --lifetime 1 --requests 1 -b:1 -e 1",
        "echo-client -b:1Gi -e 65535 --seed 9223372036854775807 -d 30d --timeout 30d",
        "echo-client -d 1ms --connect-timeout 1ms --timeout 0 --drain-timeout 0 -w 0",
        "echo-client --sndbuf 1GiB --rcvbuf 1 --buffer-size 1KiB",
    };
    struct client_options options;

    (void)state;
    for (size_t i = 0; i < LENGTH(lines); i++) {
        assert_int_equal(rig_client(&options, lines[i]), 0);
    }
}

/* Other systems always copy what is sent, so they refuse the word. */
static void sndbuf_none_is_for_systems_that_send_unbuffered(void **state)
{
    struct client_options client;
    struct server_options server;
    int expected = net_sends_unbuffered ? 0 : UV_EINVAL;

    (void)state;
    assert_int_equal(rig_client(&client, "echo-client --sndbuf=none"), expected);
    if (expected == 0) {
        assert_int_equal(program_options_net(&client.common).sndbuf, NET_UNBUFFERED);
    } else {
        assert_string_equal(rig_error.text,
                            "echo-client: --sndbuf: 'none' works only on Windows: this "
                            "system always has a send buffer; give a size, or leave "
                            "--sndbuf out");
    }
    assert_int_equal(rig_server(&server, "echo-server --sndbuf none"), expected);
    assert_int_equal(rig_server(&server, "echo-server --sndbuf 0"), 0);
    assert_int_equal(program_options_net(&server.common).sndbuf, 0);
    assert_int_equal(rig_server(&server, "echo-server --rcvbuf none"), UV_EINVAL);
    assert_int_equal(rig_server(&server, "echo-server --sndbuf None"), UV_EINVAL);
}

static void checks_that_options_go_together(void **state)
{
    struct client_options client;
    struct server_options server;

    (void)state;
    assert_int_equal(rig_client(&client, "echo-client -c 4 -t 8"), UV_EINVAL);
    assert_string_equal(rig_error.text,
                        "echo-client: --connections: '4' is out of range; it takes at "
                        "least 8 here, one for each of --threads");
    assert_int_equal(rig_client(&client, "echo-client -d 1s -w 1000ms"), UV_EINVAL);
    assert_string_equal(rig_error.text,
                        "echo-client: --warmup: '1s' is out of range; it takes less "
                        "than 1s here, the --duration");
    assert_int_equal(rig_client(&client, "echo-client -w 1000ms"), 0);
    assert_int_equal(rig_server(&server, "echo-server -t 8 --buffer-memory 1MiB"), UV_EINVAL);
    assert_string_equal(rig_error.text,
                        "echo-server: --buffer-memory: '1MiB' is out of range; it "
                        "takes at least 2MiB here, --buffer-size (256KiB) for each of "
                        "--threads");
    assert_int_equal(rig_server(&server, "echo-server -t 4 --buffer-memory 1MiB"), 0);
}

struct small_options {
    struct option_strings tags;
};

static const struct option_row small_rows[] = {
    {.name = "tag",
     .type = OPTION_STRINGS,
     .argument = "TEXT",
     .offset = offsetof(struct small_options, tags)},
};

static const struct option_program small_program = {.name = "small",
                                                    .rows = small_rows,
                                                    .row_count = LENGTH(small_rows),
                                                    .options_size = sizeof(struct small_options)};

static void gathers_strings(void **state)
{
    struct small_options options;

    (void)state;
    rig_split("small --tag=-x --tag y");
    assert_int_equal(option_parse(&small_program, &options, 4, rig_command.argv, false, &rig_error),
                     0);
    assert_int_equal(options.tags.count, 2);
    assert_string_equal(options.tags.items[0], "-x");
    assert_string_equal(options.tags.items[1], "y");
}

static void gathers_a_limited_number_of_strings(void **state)
{
    char program[] = "small";
    char word[] = "--tag=x";
    char *argv[OPTION_STRINGS_MAX + 3] = {program};
    struct small_options options;

    (void)state;
    for (int i = 1; i <= OPTION_STRINGS_MAX + 1; i++) {
        argv[i] = word;
    }
    assert_int_equal(
        option_parse(&small_program, &options, OPTION_STRINGS_MAX + 1, argv, false, &rig_error), 0);
    assert_int_equal(options.tags.count, OPTION_STRINGS_MAX);
    assert_int_equal(
        option_parse(&small_program, &options, OPTION_STRINGS_MAX + 2, argv, false, &rig_error),
        UV_EINVAL);
    assert_string_equal(rig_error.text, "small: --tag: given more than 64 times");
}

/* All words that are no options, at any place. */
static void takes_any_number_of_words(void **state)
{
    struct merge_options options;

    (void)state;
    rig_split("echo-client a.json --details --merge b.json --json=r --server s c.json -- -d");
    assert_int_equal(merge_options_parse(&options, rig_command.argc, rig_command.argv, &rig_error),
                     0);
    assert_int_equal(options.files.count, 4);
    assert_string_equal(options.files.items[0], "a.json");
    assert_string_equal(options.files.items[1], "b.json");
    assert_string_equal(options.files.items[2], "c.json");
    assert_string_equal(options.files.items[3], "-d");
    assert_string_equal(options.json, "r");
    assert_string_equal(options.server.items[0], "s");
    assert_true(options.details && options.merge);
}

/* What is written is not read, and --json without a file takes no word. */
static void refuses_what_does_not_go_with_a_merge(void **state)
{
    static const struct {
        const char *words;
        const char *error;
    } wrong[] = {
        {"echo-client --merge", "echo-client --merge: FILE: give the reports of all clients"},
        {"echo-client --merge a --json b", "unexpected word: for a file write --json=FILE"},
        {"echo-client --merge a --json=a", "--json: 'a' is one of the files to read"},
        {"echo-client --merge a --server s --hgrm s", "--hgrm: 's' is one of the files to read"},
        {"echo-client --merge a --server s --server t --server s", "--server: 's' is there twice"},
        {"echo-client --merge a --json=b --hgrm=b", "--hgrm: 'b' is what --json has, too"},
        {"echo-client --merge a -c 4", "echo-client --merge: -c: unknown option"},
        {"echo-client --merge a --fail-if x", "--fail-if: 'x' is not accepted"},
        {"echo-client --merge=a b", "--merge: takes no value"},
    };
    struct merge_options options;

    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        rig_split(wrong[i].words);
        assert_int_equal(
            merge_options_parse(&options, rig_command.argc, rig_command.argv, &rig_error),
            UV_EINVAL);
        if (strstr(rig_error.text, wrong[i].error) == NULL) {
            fail_msg("'%s' is not in '%s'", wrong[i].error, rig_error.text);
        }
    }
}

static void merge_is_asked_by_a_word(void **state)
{
    (void)state;
    rig_split("echo-client a --merge b");
    assert_true(merge_is_asked(rig_command.argc, rig_command.argv));
    rig_split("echo-client a -- --merge");
    assert_false(merge_is_asked(rig_command.argc, rig_command.argv));
    rig_split("echo-client --merge=a");
    assert_false(merge_is_asked(rig_command.argc, rig_command.argv));
}

static size_t count_letter(const struct option_program *program, char letter)
{
    size_t count = 0;

    for (size_t i = 0; i < program->row_count; i++) {
        count += program->rows[i].letter == letter;
        count += program->rows[i].other_letter == letter;
    }
    return count;
}

static void check_table(const struct option_program *program)
{
    for (size_t i = 0; i < program->row_count; i++) {
        const struct option_row *row = &program->rows[i];

        assert_true(row->letter != '\0' || row->name != NULL || row->word);
        assert_true(!row->word || row->type == OPTION_STRING || row->type == OPTION_WORDS);
        assert_true(row->type != OPTION_WORDS || row->word);
        assert_true(!row->word || row->default_text == NULL);
        assert_true(row->letter == '\0' || count_letter(program, row->letter) == 1);
        assert_true(row->other_letter == '\0' || count_letter(program, row->other_letter) == 1);
        assert_true(row->name == NULL || strlen(row->name) <= OPTION_NAME_MAX);
        assert_int_equal(row->argument == NULL, row->type == OPTION_FLAG);
        assert_true(row->type != OPTION_FLAG || row->default_text == NULL);
        assert_true(row->type == OPTION_FLAG || !row->stops);
        assert_true(row->implied == NULL || row->type == OPTION_STRING);
        assert_true(row->old_name == NULL || row->name != NULL);
        assert_true(row->min <= row->max);
        assert_true(row->offset < program->options_size);
        assert_non_null(row->help);
        assert_non_null(row->group);
        for (size_t j = 0; j < i; j++) {
            const struct option_row *other = &program->rows[j];

            assert_true(row->name == NULL || other->name == NULL ||
                        strcmp(row->name, other->name) != 0);
            assert_true(j + 1 == i || strcmp(row->group, other->group) != 0 ||
                        strcmp(row->group, program->rows[j + 1].group) == 0);
        }
    }
}

static void tables_are_sound(void **state)
{
    (void)state;
    check_table(&server_program);
    check_table(&client_program);
    check_table(&merge_program);
}

/* Has every option, and no line that is wider than a terminal or ends in a space. */
static void check_help(const struct option_program *program)
{
    static char text[20000];
    FILE *file = tmpfile();
    size_t length;

    assert_non_null(file);
    option_help(program, file);
    rewind(file);
    length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    assert_true(length < sizeof text - 1);
    assert_memory_equal(text, "Usage: echo-", 12);
    assert_non_null(strstr(text, "\n\nMost used:\n"));
    assert_non_null(strstr(text, "\nExamples:\n"));
    assert_non_null(strstr(text, "\nExit codes:\n"));
    for (size_t i = 0; i < program->row_count; i++) {
        char name[64];

        if (program->rows[i].name != NULL) {
            snprintf(name, sizeof name, "--%s", program->rows[i].name);
            assert_non_null(strstr(text, name));
        }
    }
    for (const char *line = text; *line != '\0';) {
        size_t width = strcspn(line, "\n");

        assert_true(width <= 80);
        assert_true(width == 0 || line[width - 1] != ' ');
        line += width + 1;
    }
}

static void check_most_used(const struct option_program *program)
{
    for (size_t i = 0; i < program->row_count; i++) {
        assert_int_equal(strcmp(program->rows[i].group, "Most used") == 0, i < 6);
    }
}

static void help_is_whole_and_fits(void **state)
{
    (void)state;
    check_help(&server_program);
    check_help(&client_program);
    check_most_used(&server_program);
    check_most_used(&client_program);
}

static void examples_are_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < client_program.example_count; i++) {
        struct client_options options;

        assert_int_equal(rig_client(&options, client_program.examples[i].command), 0);
    }
    for (size_t i = 0; i < server_program.example_count; i++) {
        struct server_options options;
        const char *text = server_program.examples[i].command;

        if (strchr(text, '\'') == NULL) { /* a shell would remove it */
            assert_int_equal(rig_server(&options, text), 0);
        }
    }
}

static void takes_an_empty_argv(void **state)
{
    struct server_options options;
    char *argv[] = {NULL};

    (void)state;
    assert_int_equal(server_options_parse(&options, 0, argv, &rig_error), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_has_the_defaults_of_1998),
        cmocka_unit_test(giving_up_takes_two_timeouts),
        cmocka_unit_test(server_has_defaults),
        cmocka_unit_test(reads_the_process_and_what_to_tell_it),
        cmocka_unit_test(takes_the_command_lines_of_1998),
        cmocka_unit_test(takes_a_server_in_every_form),
        cmocka_unit_test(takes_places_that_agree),
        cmocka_unit_test(stops_at_help_and_version),
        cmocka_unit_test(takes_an_old_name),
        cmocka_unit_test(takes_a_slash_only_when_told),
        cmocka_unit_test(the_last_one_counts),
        cmocka_unit_test(gathers_addresses),
        cmocka_unit_test(reads_every_type),
        cmocka_unit_test(reads_the_modes_of_backends),
        cmocka_unit_test(takes_the_ends_of_ranges),
        cmocka_unit_test(sndbuf_none_is_for_systems_that_send_unbuffered),
        cmocka_unit_test(checks_that_options_go_together),
        cmocka_unit_test(gathers_strings),
        cmocka_unit_test(gathers_a_limited_number_of_strings),
        cmocka_unit_test(takes_any_number_of_words),
        cmocka_unit_test(refuses_what_does_not_go_with_a_merge),
        cmocka_unit_test(merge_is_asked_by_a_word),
        cmocka_unit_test(tables_are_sound),
        cmocka_unit_test(help_is_whole_and_fits),
        cmocka_unit_test(examples_are_accepted),
        cmocka_unit_test(takes_an_empty_argv),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
