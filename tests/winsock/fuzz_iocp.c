/*
 * The random worlds of test_iocp for a fuzzer. The first two bytes choose the world, the others
 * every random choice of the simulated Winsock. So the fuzzer can change one choice at a time.
 * Built by -DECHOPORT_FUZZ=ON with Clang; `fuzz_iocp -max_total_time=60`.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <stdlib.h>

#include "iocp_network.h"
#include "log.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    log_setup("fuzz_iocp", false);
    log_redirect(NULL);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct winsock_config config;
    static const uint8_t none[2];
    if (size < 2) {
        data = none; /* the fuzzer begins with no bytes */
        size = 2;
    }
    uint64_t seed = (uint64_t)data[0] << 8 | data[1];
    winsock_config_random(&config, seed);
    world_next(seed);
    world.accept_mode = (unsigned)world_chance(2);
    world.recv_mode = (unsigned)world_chance(2);
    winsock_begin(&config);
    winsock_choose_from(data + 2, size - 2);
    world_begin(&iocp_network, WORLD_SMALL);
    world_run();
    world_check_classes();
    world_check_books(winsock_counts()->of[WINSOCK_RESETS] > 0);
    iocp_network_end();
    return 0;
}
