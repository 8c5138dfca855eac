#ifndef ECHOPORT_OPTION_H
#define ECHOPORT_OPTION_H

/*
 * Command lines, parsed by a table: the parser and --help read the same rows, and so can whatever
 * writes a man page or completions.
 *
 * What is understood, for a row with the letter e and the name port:
 *
 *     -e 6001   -e:6001   --port 6001   --port=6001   and on Windows   /e:6001   /e 6001
 *
 * "-e:6001" is the form of the first echo programs. Nothing is guessed: letters aren't combined,
 * a value isn't attached to its letter (-e6001), names aren't abbreviated; each of these is refused
 * with a hint at what to write. A word that starts with '-' isn't taken as the value of the option
 * before it, unless a digit or nothing follows; attached by ':' or '=' it is. When an option is
 * given more than once the last one counts, but for OPTION_STRINGS, which gathers them. A word that
 * is neither an option nor its value belongs to the row that has `word`, if there is one; only one
 * may be given. "--" ends the options, and only such a word may follow.
 *
 * Nothing here prints or exits, but for option_help.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json;

#define OPTION_NAME_MAX 31 /* the length of a row's name */
#define OPTION_CPU_LIMIT 1024
#define OPTION_HOST_SIZE 256 /* of buffers for option_split_address */
#define OPTION_PORT_SIZE 64

/* The type of an option, and of the member at its offset. Texts aren't copied: they point to argv,
 * or to the table for a default. */
enum option_type {
    OPTION_FLAG,     /* bool: without a value, true when given */
    OPTION_SWITCH,   /* bool: on or off */
    OPTION_COUNT,    /* uint64_t: see units_parse_count */
    OPTION_KIB,      /* uint64_t in bytes, given as a count of KiB; min and max are in KiB */
    OPTION_BYTES,    /* uint64_t: see units_parse_bytes */
    OPTION_DURATION, /* uint64_t in nanoseconds: see units_parse_duration */
    OPTION_INTEGER,  /* uint64_t: see units_parse_integer */
    OPTION_PORT,     /* const char *: a number in min to max, or a name that may be a service's */
    OPTION_CHOICE,   /* int: the index in `choices` */
    OPTION_STRING,   /* const char *: what `check` accepts, not empty */
    OPTION_OUTPUT,   /* const char *: "-" when given without a value, which only '=' can attach */
    OPTION_STRINGS,  /* struct option_strings: may be given again and again */
    OPTION_CPUS,     /* struct option_cpus: as in 0,2-3 */
    OPTION_TYPES
};

/* What a row with `none` stores for the word "none". No count and no size has this value. */
#define OPTION_NONE UINT64_MAX

/* In the order given. */
struct option_strings {
    const char **items; /* the array belongs to the options, its strings don't */
    size_t count;
};

/* In the order given, none twice. */
struct option_cpus {
    int *ids; /* 0 to OPTION_CPU_LIMIT - 1 */
    size_t count;
};

struct option_row {
    char letter;       /* '\0' when it has only a name */
    char other_letter; /* means the same, or '\0' */
    bool any_case;     /* `letter` is taken in either case, if no row has the other itself */
    bool stops;        /* a flag at which parsing ends: what follows isn't looked at */
    bool word;         /* OPTION_STRING without letter, name and default: it takes the one word */
    bool unreported;   /* option_json leaves it out */
    enum option_type type;
    const char *name;     /* NULL when it has only a letter */
    const char *old_name; /* still accepted, but not in --help; or NULL */
    const char *argument; /* what --help calls the value */
    const char *group;    /* the heading in --help; rows of a group stand together */
    const char *help;
    const char *default_text; /* is parsed as if it was given; NULL leaves 0, or `unset` */
    const char *default_note; /* shown as the default instead of default_text, when not NULL */
    uint64_t unset;           /* what a uint64_t without default_text holds when it isn't given */
    const char *zero;         /* 0 is accepted below min as well, and means this; or NULL */
    const char *none; /* OPTION_BYTES: the word "none" is accepted, and means this; or NULL */
    uint64_t min;     /* of the types that are numbers, and OPTION_PORT */
    uint64_t max;
    const char *const *choices;      /* of OPTION_CHOICE, ended by NULL */
    bool (*check)(const char *text); /* of OPTION_STRING and OPTION_STRINGS; NULL accepts all */
    const char *takes;               /* what `check` accepts, in words */
    size_t offset;                   /* of the member in the options */
};

struct option_example {
    const char *command;
    const char *meaning;
};

struct option_program {
    const char *name;
    const char *summary;
    const char *failure; /* what exit code 1 says */
    const struct option_example *examples;
    size_t example_count;
    const struct option_row *rows;
    size_t row_count;
    size_t options_size; /* of the struct that the offsets are in */
};

/* A line without a newline, "echo-server: --threads: '0x' is not a number; it takes ...". Bytes
 * that a terminal could act on are escaped as \x1b, whatever argv held. */
struct option_error {
    char text[512];
};

/*
 * Fills `options`, whatever it held, with the defaults and then from argv[1] on. Words that start
 * with '/' are options too if `allow_slash`.
 *
 * Returns 0; or 1 when a row that `stops` was met, whose member is then true; or UV_EINVAL for a
 * usage error or UV_ENOMEM, both with `error` filled. In any case the caller owns `options` and has
 * to hand it to option_free; argv must outlive it.
 */
int option_parse(const struct option_program *program, void *options, int argc, char **argv,
                 bool allow_slash, struct option_error *error);

/* Frees what option_parse allocated, and makes it empty; it may be called again. */
void option_free(const struct option_program *program, void *options);

/* Makes `error` the program's message about the option `typed`, in the parser's form, and returns
 * UV_EINVAL: for what a single row can't check. `format` is printf's. */
int option_fail(const struct option_program *program, struct option_error *error, const char *typed,
                const char *format, ...);

/* Writes the help, in lines of at most 100 columns. */
void option_help(const struct option_program *program, FILE *out);

/*
 * Adds the options to the object that is open in `json`, each row with a name as one member: "-" in
 * the name becomes "_", and a duration is in seconds and its name ends in "_seconds". Sizes are in
 * bytes, a value that was not given and has no default is null. Rows that stop are left out.
 */
void option_json(const struct option_program *program, const void *options, struct json *json);

/* The values that a row accepts, as in "0 (never) or 1ms to 30d"; empty for one that takes none. */
void option_range(const struct option_row *row, char *buffer, size_t size);

/*
 * Splits "127.0.0.1:6001", "[::1]:6001", "name:echo", "*:6001" or ":6001"; the last two give an
 * empty host, for all addresses. Brackets aren't part of the host. The port is a number of 0 to
 * 65535 or a service name.
 *
 * Returns 0; UV_EINVAL when it isn't such an address, or UV_ENAMETOOLONG when a part doesn't fit
 * its buffer. The buffers then hold nothing of use.
 */
int option_split_address(const char *text, char *host, size_t host_size, char *port,
                         size_t port_size);

/*
 * Splits what names a server to connect to: whatever option_split_address takes, with a port of 1
 * to 65535; a host alone, as option_is_host takes it; or "[::1]". `port` is empty without one.
 * "::1" and "fe80::1:6001" are hosts: an IPv6 address needs brackets before a port. Returns as
 * option_split_address does.
 */
int option_split_server(const char *text, char *host, size_t host_size, char *port,
                        size_t port_size);

/* Checks for rows: an address that option_split_address splits, into buffers of the sizes above;
 * one that option_split_server splits; the same without a number alone, which would be a port; and
 * a name or numeric address to connect to, without brackets or port. */
bool option_is_address(const char *text);
bool option_is_server(const char *text);
bool option_is_server_word(const char *text);
bool option_is_host(const char *text);

/* And a word of letters, digits and '-'. */
bool option_is_word(const char *text);

#endif
