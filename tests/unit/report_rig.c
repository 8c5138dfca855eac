#include "report_rig.h"

#include <inttypes.h>
#include <string.h>

static const char *const accept_modes[] = {"plain", "fancy", NULL};
static const char *const recv_modes[] = {"lazy", "eager", NULL};
const struct backend rig_backend = {
    .name = "made-up", .accept_modes = accept_modes, .recv_modes = recv_modes};
const struct backend rig_backend_without_modes = {.name = "made-up"};

struct text rig_text;

const char *rig_read(void)
{
    assert_false(rig_text.failed);
    return rig_text.data;
}

void rig_clear(void)
{
    text_free(&rig_text);
}

void rig_has(const char *what)
{
    if (strstr(rig_text.data, what) == NULL) {
        (void)printf("%s\n", rig_text.data);
        fail_msg("no '%s' in the above", what);
    }
}

void rig_has_not(const char *what)
{
    if (strstr(rig_text.data, what) != NULL) {
        (void)printf("%s\n", rig_text.data);
        fail_msg("'%s' in the above", what);
    }
}

void rig_fits(size_t columns)
{
    for (const char *line = rig_text.data; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        if (length > columns) {
            fail_msg("longer than %zu columns: %.*s", columns, (int)length, line);
        }
        line += length + 1;
    }
}

void rig_has_member(const char *name, uint64_t value)
{
    char inside[128];
    char last[128];
    (void)snprintf(inside, sizeof(inside), "\"%s\":%" PRIu64 ",", name, value);
    (void)snprintf(last, sizeof(last), "\"%s\":%" PRIu64 "}", name, value);
    if (strstr(rig_text.data, inside) == NULL && strstr(rig_text.data, last) == NULL) {
        (void)printf("%s\n", rig_text.data);
        fail_msg("no %s in the above", inside);
    }
}

void rig_is_a_line(void)
{
    const char *text = rig_text.data;
    size_t length = strlen(text);
    assert_true(length > 3);
    assert_int_equal(text[0], '{');
    assert_ptr_equal(strchr(text, '\n'), text + length - 1);
    assert_int_equal(text[length - 2], '}');
}

uint64_t rig_fill(const struct counter_list *list, void *counts, uint64_t number)
{
    for (size_t i = 0; i < list->count; i++) {
        number++;
        memcpy((char *)counts + list->rows[i].offset, &number, sizeof(number));
    }
    return number;
}

void rig_check(const struct counter_list *list, const void *counts)
{
    for (size_t i = 0; i < list->count; i++) {
        rig_has_member(list->rows[i].name, counter_value(&list->rows[i], counts));
    }
}

void rig_fill_io(struct io_stats *io, uint64_t number)
{
    number = rig_fill(&stats_io_list, io, number);
    for (size_t i = 0; i < IO_BATCHES; i++) {
        io->batches[i] = ++number;
    }
}

void rig_check_io(const struct io_stats *io)
{
    rig_check(&stats_io_list, io);
    char batches[32 * IO_BATCHES] = "\"batches\":";
    for (size_t i = 0; i < IO_BATCHES; i++) {
        size_t length = strlen(batches);
        (void)snprintf(batches + length, sizeof(batches) - length, "%c%" PRIu64, i == 0 ? '[' : ',',
                       io->batches[i]);
    }
    rig_has(batches);
}

int rig_end(void **state)
{
    (void)state;
    text_free(&rig_text);
    return 0;
}
