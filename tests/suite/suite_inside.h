#ifndef ECHOPORT_SUITE_INSIDE_H
#define ECHOPORT_SUITE_INSIDE_H

/* Shared by suite_rig.c and suite_conn.c; no scenario needs it. */

#include "suite.h"

/* What a client sends first where an accept waits for first bytes. */
#define KNOCK "k"

/* Memory full of 0xA5. */
void *rubbish(size_t size);

/* Whether it is 0 or a UV error, and not what rubbish() left there. */
bool is_status(int status);

/* Around every callback of the backend. */
void rig_enter_callback(struct suite_rig *rig);
void rig_leave_callback(struct suite_rig *rig);

/* Called around every submit: before it, with its answer, and with its outcome. */
void side_submit(struct side *side, struct suite_rig *rig);
void side_answer(struct side *side, struct suite_rig *rig, int answer);
void side_outcome(struct side *side, struct suite_rig *rig, int status);

#endif
