/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that a guest may make, as the engine takes them: those named here and no other.
 *
 * The engine's own list leaves much of this to its version: what io_uring offers was on it for
 * years. Refused whatever the engine: keys of the kernel's, BPF, performance events, io_uring,
 * faults handled in user space, mounts, namespaces of its own, modules, clocks, quotas, and the
 * tracing of other hosts' file handles (assurance: CIS 5.22). A call that is refused fails with
 * EPERM; clone3, whose flags no filter can see, with ENOSYS, so that libraries fall back to clone.
 */

#ifndef BERTH_AGENT_SECCOMP_H
#define BERTH_AGENT_SECCOMP_H

#include "base/buf.h"

enum { SECCOMP_PROFILE_MAX = 32 * 1024 };

/* The profile as JSON, onto `out`. */
void seccomp_profile(struct buf *out);

#endif
