#ifndef ECHOPORT_OPTION_TABLE_H
#define ECHOPORT_OPTION_TABLE_H

/*
 * The table of a program's options: one row for each. The parser, --help and the reports' JSON all
 * read it. So a new option is a row here and a member of the program's options.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTION_NAME_MAX 31    /* the length of a row's name */
#define OPTION_STRINGS_MAX 64 /* how often an OPTION_STRINGS may be given */

/* The type of an option, and of the member at its offset. Texts point to argv, or to the table for
 * a default. */
enum option_type {
    OPTION_FLAG,     /* bool: takes no value, true when given */
    OPTION_SWITCH,   /* bool: on or off */
    OPTION_COUNT,    /* uint64_t: see units_parse_count */
    OPTION_BYTES,    /* uint64_t: see units_parse_bytes */
    OPTION_SIZE,     /* uint64_t: as OPTION_BYTES; 0 if it is a text that `check` accepts */
    OPTION_DECIMAL,  /* double: see units_parse_decimal */
    OPTION_DURATION, /* uint64_t in nanoseconds: see units_parse_duration */
    OPTION_INTEGER,  /* uint64_t: see units_parse_integer */
    OPTION_STRING,   /* const char *: a text that is not empty and that `check` accepts */
    OPTION_STRINGS,  /* struct option_strings: the same, and may be given several times */
    OPTION_CPUS,     /* struct option_cpus: see option_parse_cpus */
    OPTION_WORDS,    /* struct option_words: all words that are no options; only with `word` */
    OPTION_TYPES
};

/* The value of a number for which the word "none" was given. No range contains it. */
#define OPTION_NONE UINT64_MAX

/* In the order given. */
struct option_strings {
    const char *items[OPTION_STRINGS_MAX];
    size_t count;
};

/* Any number, in the order given. They are in argv, of which the beginning is overwritten. */
struct option_words {
    char **items;
    size_t count;
};

struct option_row {
    char letter;       /* '\0': it has only a name */
    char other_letter; /* means the same; '\0': none */
    bool any_case;     /* `letter` is accepted in either case, unless another row has that letter */
    bool stops;        /* a flag that ends parsing: the words after it are not read */
    bool word;       /* an OPTION_STRING without letter, name and default: takes the single word; or
                        an OPTION_WORDS: takes all words */
    bool unreported; /* option_json() leaves it out */
    enum option_type type;
    const char *name;         /* NULL: it has only a letter */
    const char *old_name;     /* accepted, but not in --help; or NULL */
    const char *argument;     /* what --help calls the value; NULL for a flag */
    const char *group;        /* the heading in --help; rows of a group stand together */
    const char *help;         /* what it does, in --help */
    const char *default_text; /* parsed as if it had been given; NULL: 0, or `unset` */
    const char *default_note; /* shown as the default instead of default_text; or NULL */
    const char *implied;      /* an OPTION_STRING's value when given without one; or NULL */

    /* Of numbers. */
    uint64_t min; /* of an OPTION_DECIMAL: in thousandths, as `max` */
    uint64_t max;
    uint64_t scale;   /* the member is the number times this; 0: it is the number */
    uint64_t unset;   /* the member without default_text, when the option is not given */
    const char *zero; /* what 0 means, which is accepted although it is below `min`; or NULL */
    const char *none; /* what the word "none" means, which is accepted; or NULL. Needs `zero` */

    /* Of OPTION_STRING, OPTION_STRINGS and the text of an OPTION_SIZE. */
    bool (*check)(const char *text); /* NULL: any text is accepted */
    const char *takes;               /* what `check` accepts, in words */

    size_t text_offset; /* of an OPTION_SIZE: of the const char *, NULL if it is a number */
    size_t offset;      /* of the member in the options */
};

struct option_example {
    const char *command;
    const char *meaning;
};

struct option_program {
    const char *name;
    const char *summary;
    const char *failure;    /* what exit code 1 means */
    const char *not_enough; /* what exit code 3 means; NULL: there is no such exit code */
    const struct option_example *examples;
    size_t example_count;
    const struct option_row *rows;
    size_t row_count;
    size_t options_size; /* of the struct that the offsets are in; it is plain data */
};

#endif
