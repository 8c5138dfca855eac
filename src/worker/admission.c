#include "admission.h"

#include <assert.h>

void admission_init(struct admission *admission, uint64_t limit)
{
    assert(limit > 0);
    int status = uv_mutex_init(&admission->lock);
    assert(status == 0);
    (void)status;
    admission->limit = limit;
    admission->open = 0;
}

void admission_destroy(struct admission *admission)
{
    assert(admission->open == 0);
    uv_mutex_destroy(&admission->lock);
}

bool admission_enter(struct admission *admission)
{
    uv_mutex_lock(&admission->lock);
    bool free_place = admission->open < admission->limit;
    if (free_place) {
        admission->open++;
    }
    uv_mutex_unlock(&admission->lock);
    return free_place;
}

void admission_leave(struct admission *admission)
{
    uv_mutex_lock(&admission->lock);
    assert(admission->open > 0);
    admission->open--;
    uv_mutex_unlock(&admission->lock);
}
