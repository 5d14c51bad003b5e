/* SPDX-License-Identifier: Apache-2.0 */
/* berth bench: where a DLPerf comes from. */

#ifndef BERTH_CLI_CMD_BENCH_H
#define BERTH_CLI_CMD_BENCH_H

#include "cli/command.h"

extern const struct args_option cmd_bench_options[];

bool cmd_bench(struct cli *cli, struct error *err);

#endif
