#include "buckets.h"

void buckets_json(const struct histogram *histogram, struct json *json)
{
    struct histogram_bucket bucket;
    size_t position = 0;
    json_array(json, "buckets");
    while (histogram_next(histogram, &position, &bucket)) {
        json_array(json, NULL);
        json_uint(json, NULL, bucket.upper < INT64_MAX ? bucket.upper : INT64_MAX);
        json_uint(json, NULL, bucket.count);
        json_end_array(json);
    }
    json_end_array(json);
}
