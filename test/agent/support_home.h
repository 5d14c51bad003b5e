/* SPDX-License-Identifier: Apache-2.0 */
/* A data folder for a test, with an identity that has never been enrolled. */

#ifndef BERTH_TEST_AGENT_SUPPORT_HOME_H
#define BERTH_TEST_AGENT_SUPPORT_HOME_H

#include "agent/identity.h"

/* For cmocka. */
int home_setup(void **state);
int home_teardown(void **state);

const char *home_path(void);
struct identity *home_identity(void);

/* As after a restart of the agent; or of the host as well. */
void home_restart(void);
void home_reboot(void);

void home_write(const char *name, const char *text);

#endif
