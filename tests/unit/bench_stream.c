/*
 * The speed of the byte stream: bench_stream [buffer_bytes [gigabytes]]
 *
 * Prints the GB/s (10^9 bytes a second of processor time) of filling a buffer, of checking it, and
 * of both in turn. In the last, a byte counts once.
 */
#include "stream.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MISALIGNMENT_MAX 64

static double fill_only(unsigned char *buffer, size_t size, uint64_t offset, uint64_t rounds)
{
    struct stream stream = stream_of(1, 2);
    clock_t start = clock();

    for (uint64_t round = 0; round < rounds; round++) {
        stream_fill(&stream, offset + round * size, buffer, size);
    }
    return (double)(clock() - start) / CLOCKS_PER_SEC;
}

static double check_only(unsigned char *buffer, size_t size, uint64_t offset, uint64_t rounds)
{
    struct stream stream = stream_of(1, 2);
    clock_t start;

    stream_fill(&stream, offset, buffer, size);
    start = clock();
    for (uint64_t round = 0; round < rounds; round++) {
        if (stream_check(&stream, offset, buffer, size) != size) {
            abort();
        }
    }
    return (double)(clock() - start) / CLOCKS_PER_SEC;
}

static double fill_and_check(unsigned char *buffer, size_t size, uint64_t offset, uint64_t rounds)
{
    struct stream stream = stream_of(1, 2);
    clock_t start = clock();

    for (uint64_t round = 0; round < rounds; round++) {
        stream_fill(&stream, offset + round * size, buffer, size);
        if (stream_check(&stream, offset + round * size, buffer, size) != size) {
            abort();
        }
    }
    return (double)(clock() - start) / CLOCKS_PER_SEC;
}

int main(int argc, char **argv)
{
    static const struct {
        size_t memory;
        uint64_t offset;
    } cases[] = {{0, 0}, {0, 8}, {0, 3}, {1, 0}, {5, 5}, {7, 4093}, {8, 1}};
    size_t size = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 65536;
    double gigabytes = argc > 2 ? strtod(argv[2], NULL) : 4.0;
    uint64_t rounds = (uint64_t)(gigabytes * 1e9 / (double)(size > 0 ? size : 1)) + 1;
    double total = (double)rounds * (double)size / 1e9;
    unsigned char *memory = malloc(size + MISALIGNMENT_MAX);

    if (memory == NULL || size == 0) {
        fprintf(stderr, "bench_stream: no buffer of %zu bytes\n", size);
        free(memory);
        return EXIT_FAILURE;
    }
    printf("buffer %zu bytes, GB/s\nmemory  offset    fill   check    both\n", size);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char *buffer = memory + cases[i].memory;

        printf("%6zu %7u", cases[i].memory, (unsigned)cases[i].offset);
        printf(" %7.2f", total / fill_only(buffer, size, cases[i].offset, rounds));
        printf(" %7.2f", total / check_only(buffer, size, cases[i].offset, rounds));
        printf(" %7.2f\n", total / fill_and_check(buffer, size, cases[i].offset, rounds));
    }
    free(memory);
    return EXIT_SUCCESS;
}
