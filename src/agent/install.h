/* SPDX-License-Identifier: Apache-2.0 */
/* berth-host install: makes this machine ready to be a host, as far as a program may.
 *
 * It installs the Debian packages that are missing, lets instances outlive the engine's restarts
 * where nobody has configured the engine yet, writes the given options to a file that the systemd
 * unit reads, and says what of the GPUs' software is missing. Run again it changes nothing. What
 * only a person can do (drivers, a file system with quotas, a router's ports) berth-host doctor
 * names, and measures. */

#ifndef BERTH_AGENT_INSTALL_H
#define BERTH_AGENT_INSTALL_H

#include <stdbool.h>
#include <stdio.h>

#include "agent/options.h"
#include "base/error.h"

#define INSTALL_CONFIG "/etc/berth/host.conf"

struct install_paths {
    const char *config;      /* INSTALL_CONFIG */
    const char *engine_json; /* /etc/docker/daemon.json */
    const char *pci;         /* /sys/bus/pci/devices */
    const char *driver;      /* /proc/driver/nvidia/version, which the driver makes */
    bool has_apt;            /* packages may be installed */
};

struct install_paths install_paths_default(void);

/* Says on `out` what it does. ERROR_UNAVAILABLE: something is missing that it cannot mend. */
NODISCARD bool install_run(const struct options *options, const struct install_paths *paths,
                           FILE *out, struct error *err);

#endif
