/* SPDX-License-Identifier: Apache-2.0 */
/* Registries that renters name, and this host's own network.
 *
 * The engine speaks to them, and skopeo does, from where this host stands: behind its owner's
 * router, beside its neighbours and its own services. So a name whose addresses are not all of the
 * public internet (sys/address.h) is refused before anybody is spoken to, unless the host's owner
 * has named it, port and all: --private-registries.
 *
 * Whoever owns a name may change where it leads between our look and the engine's, and a registry
 * may send the engine on to somewhere else. Against that a host has to guard its engine's own way
 * out (SECURITY.md). */

#ifndef BERTH_AGENT_REGISTRY_H
#define BERTH_AGENT_REGISTRY_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/error.h"
#include "market/image.h"

#define REGISTRY_ALL "all"

/* May images go to and come from there? The engine's default registry is its owner's affair.
 * `allowed`: names as in images, commas between them; REGISTRY_ALL; NULL: none. ERROR_FORBIDDEN: it
 * is in a private network. ERROR_UNREACHABLE: nobody knows the name just now. */
NODISCARD bool registry_check(const struct image *image, const char *allowed, struct error *err);

#endif
