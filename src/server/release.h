/* SPDX-License-Identifier: Apache-2.0 */
/* Releases of the agent that an operator publishes, for hosts that take them (proto/release.h).
 *
 *   DIR/TARGET/VERSION/berth-host, berth-guest, release.json, release.sig
 *
 * `berthd release sign` makes such a folder wherever the key is, which is no server: what serves
 * has nothing with which it could sign. `berthd serve --agent-releases DIR` reads it anew for each
 * request, so a release is published by putting its folder there, and withdrawn by taking it away.
 * The signature is written last: without it a folder does not count. */

#ifndef BERTH_SERVER_RELEASE_H
#define BERTH_SERVER_RELEASE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "proto/release.h"
#include "server/options.h"

extern const struct option_row release_options[];

/* `berthd release key` and `berthd release sign`. */
NODISCARD bool release_run(const struct options *options, struct buf *out, struct error *err);
void release_describe(struct buf *out);

enum { RELEASE_VERSIONS_MAX = 256 }; /* in one folder; what is beyond is not looked at */

/* The newest one for `target`, its manifest appended. ERROR_NOT_FOUND: there is none. */
NODISCARD bool release_newest(const char *dir, const char *target, struct buf *manifest,
                              uint8_t ret_signature[static 64], struct error *err);

/* The file itself, appended. ERROR_NOT_FOUND; ERROR_INVALID: not a name of one. */
NODISCARD bool release_file(const char *dir, const struct release *which, const char *name,
                            struct buf *content, struct error *err);

#endif
