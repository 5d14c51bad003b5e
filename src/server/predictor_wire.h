/* SPDX-License-Identifier: Apache-2.0 */
/* What the operator says of learning tasks' speeds: --runs and --predictor. */

#ifndef BERTH_SERVER_PREDICTOR_WIRE_H
#define BERTH_SERVER_PREDICTOR_WIRE_H

#include "market/run_list.h"
#include "server/options.h"

/* `*ret_runs` is NULL without --runs, else what is known and what the file adds: the caller's, to
 * be freed. */
NODISCARD bool predictor_wire_read(const struct options *options, struct run_list **ret_runs,
                                   bool *ret_uses_formula, struct error *err);

#endif
