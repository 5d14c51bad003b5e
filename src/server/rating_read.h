/* SPDX-License-Identifier: Apache-2.0 */
/* A report of a machine, as whoever made it and the machine's host both read it. */

#ifndef BERTH_SERVER_RATING_READ_H
#define BERTH_SERVER_RATING_READ_H

#include "base/encode.h"
#include "store/machine_report.h"

void rating_encode_report(struct encoder *json, const struct machine_report_row *report);

#endif
