#ifndef ECHOPORT_SIZES_TABLE_H
#define ECHOPORT_SIZES_TABLE_H

/* The tables of message sizes that are part of the program. CMake makes sizes_table.c of the files
 * in the folder loads (cmake/Loads.cmake). */

#include <stddef.h>
#include <stdint.h>

struct sizes_weight {
    uint64_t bytes;
    double weight;
};

struct sizes_table {
    const char *name;
    const struct sizes_weight *weights;
    size_t count;
};

extern const struct sizes_table sizes_tables[];
extern const size_t sizes_table_count;

#endif
