/* SPDX-License-Identifier: Apache-2.0 */
/* Cloud stores that an instance's files are copied to and from: which kinds there are, and what has
 * to be known of one. This table is what the API takes, what `berth` tells people, and what a host
 * gives to rclone, whose names for all of it these are: rclone learns a field in the variable
 * RCLONE_CONFIG_<remote>_<FIELD>. Only kinds that are spoken with by HTTP, because a host lets
 * rclone go out by a proxy alone (agent/cloud_ways.h). */

#ifndef BERTH_MARKET_CLOUD_H
#define BERTH_MARKET_CLOUD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

enum {
    CLOUD_FIELDS_MAX = 6,
    CLOUD_VALUE_MAX = 8 * 1024,
    CLOUD_CONFIG_MAX = 64 * 1024, /* as JSON */
    CLOUD_NAME_MAX = 64,
    CLOUD_PATH_MAX = 1024,
    CLOUD_FLAGS_MAX = 256,
};

struct cloud_field {
    const char *name;
    bool is_needed;
    bool is_secret;   /* of several lines, too; never shown */
    bool is_obscured; /* rclone wants it by `rclone obscure` */
    bool is_url;
};

struct cloud_kind {
    const char *name;                            /* for people */
    const char *rclone;                          /* RCLONE_CONFIG_<remote>_TYPE */
    struct cloud_field fields[CLOUD_FIELDS_MAX]; /* up to one without a name */
};

/* By the name, or rclone's; NULL: there is none. */
const struct cloud_kind *cloud_find(const char *name);

/* "s3, b2, ..." */
void cloud_names(struct buf *out);

/* Whether `config` is an object of all that the kind needs and of nothing that it does not know.
 * ERROR_INVALID says what is wrong, without a value. */
NODISCARD bool cloud_check(const struct cloud_kind *kind, const json_t *config, struct error *err);

/* Whether it is one of rclone's flags that a copy may have: "--dry-run". */
bool cloud_has_flag(const char *flag);

/* A path there, from its root, with or without a slash in front. */
bool cloud_path_is_good(const char *path);

#endif
