/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs that nobody answered. Inside src/flow/. */

#ifndef BERTH_FLOW_AUDIT_SILENCE_H
#define BERTH_FLOW_AUDIT_SILENCE_H

#include "flow/flow.h"

/* Those that were asked longer than AUDIT_PATIENCE_US ago end. It counts against a machine that has
 * answered before, is there, and is nobody's (market/audit.h); who lost contact loses reliability
 * for that. As many machines as AUDIT_SILENT_MAX at a time, the others the next time. */
enum { AUDIT_SILENT_MAX = 100 };
NODISCARD bool audit_silence(const struct flow *flow, struct instant now, struct error *err);

#endif
