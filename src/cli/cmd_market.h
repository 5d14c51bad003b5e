/* SPDX-License-Identifier: Apache-2.0 */
/* The market's own figures: supply, demand and prices, and what a machine would earn. */

#ifndef BERTH_CLI_CMD_MARKET_H
#define BERTH_CLI_CMD_MARKET_H

#include "cli/command.h"

bool cmd_metrics_gpu(struct cli *cli, struct error *err);
bool cmd_metrics_trends(struct cli *cli, struct error *err);
bool cmd_metrics_locations(struct cli *cli, struct error *err);
bool cmd_host_estimate(struct cli *cli, struct error *err);

extern const struct args_option cmd_metrics_gpu_options[];
extern const struct args_option cmd_metrics_trends_options[];
extern const struct args_option cmd_metrics_locations_options[];
extern const struct args_option cmd_host_estimate_options[];

#endif
