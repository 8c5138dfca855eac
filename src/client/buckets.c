#include "buckets.h"

/* ---- JSON ---------------------------------------------------------------------------------- */

static uint64_t buckets_bound(const struct histogram_bucket *bucket)
{
    return bucket->upper < INT64_MAX ? bucket->upper : INT64_MAX;
}

static void buckets_json_pair(struct json *json, uint64_t bound, uint64_t count)
{
    json_array(json, NULL);
    json_uint(json, NULL, bound);
    json_uint(json, NULL, count);
    json_end_array(json);
}

void buckets_json(const struct histogram *histogram, struct json *json)
{
    struct histogram_bucket bucket;
    size_t position = 0;
    json_array(json, "buckets");
    while (histogram_next(histogram, &position, &bucket)) {
        buckets_json_pair(json, buckets_bound(&bucket), bucket.count);
    }
    json_end_array(json);
}

/* ---- packed -------------------------------------------------------------------------------- */

/* A number is written in bytes of 7 bits, the lowest first. Each but the last has its high bit set
 * (LEB128). Bounds are written as what they add to the bound before. */

static void buckets_pack_number(struct text *packed, uint64_t number)
{
    while (number >= 0x80) {
        text_character(packed, (char)(0x80 | (number & 0x7f)));
        number >>= 7;
    }
    text_character(packed, (char)number);
}

static uint64_t buckets_unpack_number(const struct text *packed, size_t *position)
{
    uint64_t number = 0;
    unsigned char byte = 0x80;
    for (unsigned shift = 0; (byte & 0x80) != 0; shift += 7) {
        byte = (unsigned char)packed->data[(*position)++];
        number |= (uint64_t)(byte & 0x7f) << shift;
    }
    return number;
}

void buckets_pack(const struct histogram *histogram, struct text *packed)
{
    struct histogram_bucket bucket;
    size_t position = 0;
    uint64_t before = 0;
    while (histogram_next(histogram, &position, &bucket)) {
        buckets_pack_number(packed, buckets_bound(&bucket) - before);
        buckets_pack_number(packed, bucket.count);
        before = buckets_bound(&bucket);
    }
}

void buckets_packed_json(const struct text *packed, struct json *json)
{
    size_t position = 0;
    uint64_t bound = 0;
    json_array(json, "buckets");
    while (position < packed->length) {
        bound += buckets_unpack_number(packed, &position);
        uint64_t count = buckets_unpack_number(packed, &position);
        buckets_json_pair(json, bound, count);
    }
    json_end_array(json);
}
