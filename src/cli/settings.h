/* SPDX-License-Identifier: Apache-2.0 */
/* Which market, and who asks: from the command line, else the environment, else the login file.
 *
 * The login file is $XDG_CONFIG_HOME/berth/login.json (~/.config without it), readable by its
 * owner alone. Its key belongs to its address: where another address is given, that key is never
 * sent there. */

#ifndef BERTH_CLI_SETTINGS_H
#define BERTH_CLI_SETTINGS_H

#include <limits.h>
#include <stdbool.h>

#include "base/compiler.h"
#include "base/error.h"

enum { SETTINGS_URL_SIZE = 1024, SETTINGS_KEY_SIZE = 512 };

struct settings {
    char dir[PATH_MAX / 2];          /* of the login file and known hosts */
    char url[SETTINGS_URL_SIZE];     /* without a slash at its end; "": not given */
    char api_key[SETTINGS_KEY_SIZE]; /* "": not given */
};

/* `url` and `api_key` are what the command line says, or NULL. */
NODISCARD bool settings_load(const char *url, const char *api_key, struct settings *ret,
                             struct error *err);

/* For what needs no market, or is about to remember one: a login file that cannot be read counts as
 * none, and `dir` is "" where neither HOME nor XDG_CONFIG_HOME is set. */
NODISCARD bool settings_begin(const char *url, const char *api_key, struct settings *ret,
                              struct error *err);

NODISCARD bool settings_save(const struct settings *settings, struct error *err);

/* Remove the login file. One that is not there is a success. */
NODISCARD bool settings_forget(const struct settings *settings, struct error *err);

#endif
