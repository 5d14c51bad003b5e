/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts of people: signing up, passwords, sessions, subaccounts, the second factor. Secrets are
 * read from standard input, and not shown where they are typed. */

#ifndef BERTH_CLI_CMD_PEOPLE_H
#define BERTH_CLI_CMD_PEOPLE_H

#include "cli/command.h"

/* Log in with email and password, and remember the session: `berth login --email E`. */
NODISCARD bool people_login(struct cli *cli, const char *email, struct error *err);

extern const struct args_option cmd_signup_options[], cmd_reset_password_options[],
    cmd_create_subaccount_options[], cmd_tfa_options[];

bool cmd_signup(struct cli *cli, struct error *err);
bool cmd_verify(struct cli *cli, struct error *err);
bool cmd_reset_password(struct cli *cli, struct error *err);
bool cmd_set_password(struct cli *cli, struct error *err);
bool cmd_set_email(struct cli *cli, struct error *err);
bool cmd_show_sessions(struct cli *cli, struct error *err);
bool cmd_delete_session(struct cli *cli, struct error *err);
bool cmd_delete_sessions(struct cli *cli, struct error *err);
bool cmd_show_subaccounts(struct cli *cli, struct error *err);
bool cmd_create_subaccount(struct cli *cli, struct error *err);
bool cmd_show_audit_logs(struct cli *cli, struct error *err);
bool cmd_show_ipaddrs(struct cli *cli, struct error *err);

bool cmd_tfa_status(struct cli *cli, struct error *err);
bool cmd_tfa_login(struct cli *cli, struct error *err);
bool cmd_tfa_totp_setup(struct cli *cli, struct error *err);
bool cmd_tfa_activate(struct cli *cli, struct error *err);
bool cmd_tfa_regen_codes(struct cli *cli, struct error *err);
bool cmd_tfa_delete(struct cli *cli, struct error *err);

command_run cmd_tfa_auth_new, cmd_tfa_send_email, cmd_tfa_send_sms, cmd_tfa_resend_sms,
    cmd_tfa_update;

#endif
