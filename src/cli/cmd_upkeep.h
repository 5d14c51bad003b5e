/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that are one request each, and show what the market answers: an instance from its image
 * again, several rentals at once, scheduled jobs, and what keeps a machine in order. */

#ifndef BERTH_CLI_CMD_UPKEEP_H
#define BERTH_CLI_CMD_UPKEEP_H

#include "cli/command.h"

extern const struct args_option cmd_report_machine_options[];
extern const struct args_option cmd_rate_instance_options[];

command_run cmd_recycle_instance;
command_run cmd_show_scheduled_jobs;
command_run cmd_delete_scheduled_job;
command_run cmd_report_machine;
command_run cmd_reports;
command_run cmd_show_reports;
command_run cmd_reply_report;
command_run cmd_rate_instance;
command_run cmd_show_ratings;
command_run cmd_cleanup_machine;
command_run cmd_defrag_machines;
command_run cmd_delete_machine;
command_run cmd_cancel_copy;
command_run cmd_cancel_sync;

#endif
