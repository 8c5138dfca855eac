#include "e2e_fake.h"

struct fake_server *fake;

void fake_start(enum fake_mode mode, uint64_t offset, size_t affected)
{
    struct fake_plan plan = {
        .mode = mode, .offset = offset, .size = FAKE_SIZE, .affected = affected};
    fake = fake_server_start(process_loop(), &plan);
    assert_non_null(fake);
}

int fake_tear_down(void **state)
{
    if (fake != NULL) {
        fake_server_stop(fake);
        fake = NULL;
    }
    return e2e_tear_down(state);
}
