/* SPDX-License-Identifier: Apache-2.0 */
/* What instances share of a host: its ports and its networks' numbers. Given out by us, once, and
 * kept until the instance is destroyed: the engine would choose new ones at every start.
 *
 * Network n is the bridge bt<n> with the subnet 10.200.x.y/29, the n-th of 10.200.0.0/16: a bridge
 * of its own for each instance, so that rules and counters hang on a known name. */

#ifndef BERTH_AGENT_SLOTS_H
#define BERTH_AGENT_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/pull.h"
#include "agent/record.h"
#include "base/error.h"
#include "proto/desired.h"

enum { SLOT_MAX = 8191, SLOT_TEXT_SIZE = 32 };

struct slots {
    int64_t port_first, port_last;                     /* both included; 0 and -1: none */
    bool (*is_free)(int64_t port, bool is_udp);        /* nobody else on this host listens there */
    bool (*is_slot_free)(void *context, int64_t slot); /* nobody else has that network; or NULL */
    void *context;
};

/* Fill slot, ssh_port and ports of `record`: those of the spec, then those that the image exposes
 * as far as there is room. `others` are the records of all other instances.
 * ERROR_UNAVAILABLE: there are not enough. */
NODISCARD bool slots_assign(const struct slots *slots, const struct record *others, size_t count,
                            const struct instance_spec *spec, struct record *record,
                            struct error *err);

/* Open what the image exposes too, for a record that slots_assign() has filled. */
void slots_expose(const struct slots *slots, const struct record *others, size_t count,
                  const struct pull_image *image, struct record *record);

/* A network's number that is free. 0: none is left. */
int64_t slots_network(const struct slots *slots, const struct record *others, size_t count);

/* Whether it is reached by SSH, which takes a port of the gateway's. */
bool slots_has_ssh(const struct instance_spec *spec);

char *slots_bridge(int64_t slot, char text[static SLOT_TEXT_SIZE]);  /* "bt7" */
char *slots_subnet(int64_t slot, char text[static SLOT_TEXT_SIZE]);  /* "10.200.0.56/29" */
char *slots_gateway(int64_t slot, char text[static SLOT_TEXT_SIZE]); /* "10.200.0.57" */

/* Whether no device of this machine has the name of that network's bridge: another engine may have
 * its instances in the same network namespace. */
bool slots_has_no_device(int64_t slot);

/* By trying to bind it. */
bool slots_is_free(int64_t port, bool is_udp);

#endif
