#ifndef ECHOPORT_SIZES_H
#define ECHOPORT_SIZES_H

/*
 * The sizes of messages, if they are not all the same: a range, a mix, or a table.
 *
 *     64..64KiB             every size of the range is as likely as any other
 *     64:80%,64KiB:20%      a mix; the shares add up to 100 %
 *     w1, a file            a table: lines "bytes weight", with weights of any sum
 *
 * The tables w1 to w5 are part of the program; their files are in the folder loads.
 */

#include <stddef.h>
#include <stdint.h>

#include "units.h"

#define SIZES_MAX UNITS_TIB  /* of a message */
#define SIZES_BINS_MAX 65536 /* lines of a table */
#define SIZES_ERROR_SIZE 256 /* of texts that say what is wrong */

/* One size of a mix or table. */
struct sizes_bin {
    uint64_t bytes;
    uint64_t until; /* random bits below it, and not below that of the bin before, mean this size */
    double share;   /* of the messages; all add up to 1 */
};

/* Read-only once it is made: any thread. */
struct sizes {
    uint64_t min; /* bytes; the smallest and the largest that can be drawn */
    uint64_t max;
    double mean;
    size_t count; /* of the bins; 0: a range */
    struct sizes_bin bins[];
};

/* What --size and --sizes take, in words. */
#define SIZES_LIST_TAKES "a range such as 64..64KiB, or a mix such as 64:80%,64KiB:20%"
#define SIZES_TABLE_TAKES "w1 to w5, or a file with lines of bytes and weight"

/*
 * Makes sizes of a range or a mix, or of a table: the name of a built-in one, or a file. free()
 * frees them.
 *
 * Returns 0, UV_EINVAL with the reason in `error`, or UV_ENOMEM with a reason. The reason is a text
 * such as "the shares add up to 90 %, not to 100 %".
 */
int sizes_parse(const char *text, struct sizes **sizes, char error[SIZES_ERROR_SIZE]);
int sizes_read(const char *name, struct sizes **sizes, char error[SIZES_ERROR_SIZE]);

/* The size, in bytes, that 64 random bits mean. */
uint64_t sizes_draw(const struct sizes *sizes, uint64_t bits);

#endif
