/* SPDX-License-Identifier: Apache-2.0 */
/* What payment providers told us unasked, each once. It is kept as it came; what is done about it
 * is to look at the thing that it is about (server/payments.h). */

#ifndef BERTH_STORE_PSP_EVENT_H
#define BERTH_STORE_PSP_EVENT_H

#include "base/arena.h"
#include "store/db.h"

/* Stored in psp_event.state. */
enum psp_event_state { PSP_EVENT_WAITS, PSP_EVENT_DONE, PSP_EVENT_GIVEN_UP };

struct psp_event_row {
    const char *provider, *id, *type;
    const char *object_id; /* "": it is about nothing that has one */
    const char *account;   /* the connected one that it is about; "" ours */
    const char *body;
    int64_t attempts; /* that came to nothing */
};

/* `*ret_is_new` false: it is known. */
NODISCARD bool psp_event_insert(struct db *db, const struct psp_event_row *row, struct instant now,
                                bool *ret_is_new, struct error *err);

/* Those that are due, longest first. */
NODISCARD bool psp_event_due(struct db *db, struct instant now, size_t max, struct arena *arena,
                             struct psp_event_row **ret, size_t *ret_count, struct error *err);

/* It is dealt with, or is to be looked at again at `next`. */
NODISCARD bool psp_event_finish(struct db *db, const struct psp_event_row *row,
                                enum psp_event_state state, struct instant next, struct error *err);

/* When the next is due; false in `*ret_has`: none waits. */
NODISCARD bool psp_event_next(struct db *db, struct instant *ret_due, bool *ret_has,
                              struct error *err);

#endif
