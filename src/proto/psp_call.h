/* SPDX-License-Identifier: Apache-2.0 */
/* A call to a payment provider, as bytes: what a flow leaves in the outbox, and what is sent. */

#ifndef BERTH_PROTO_PSP_CALL_H
#define BERTH_PROTO_PSP_CALL_H

#include "base/buf.h"

/* The bufs are the caller's to release: psp_call_release(). */
struct psp_call {
    const char *method;
    struct buf path; /* with the query */
    struct buf body; /* empty: none */
};
#define auto_psp_call __attribute__((cleanup(psp_call_release)))
static inline void psp_call_release(struct psp_call *call)
{
    buf_release(&call->path);
    buf_release(&call->body);
}

#endif
