#include "e2e_matrix.h"

#include "e2e.h"

#include <stdio.h>

const char *e2e_matrix(const char *backends, const char *cases)
{
    const char *path = e2e_path("matrix.json");
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    (void)fprintf(file,
                  "{\"rounds\": %d, \"duration\": \"300ms\", \"warmup\": \"20ms\","
                  " \"buffer_size\": \"64KiB\","
                  " \"quick\": {\"rounds\": %d, \"duration\": \"200ms\", \"warmup\": \"10ms\"},"
                  " \"backends\": [%s], \"cases\": [%s]}",
                  E2E_MATRIX_ROUNDS, E2E_MATRIX_ROUNDS, backends, cases);
    assert_int_equal(fclose(file), 0);
    return path;
}
