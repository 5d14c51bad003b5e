/* SPDX-License-Identifier: Apache-2.0 */
/* The market's API as the command line sees it: a call has a JSON reply or an error in words. */

#ifndef BERTH_CLI_CLIENT_H
#define BERTH_CLI_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/error.h"
#include "cli/settings.h"

enum { CLIENT_REPLY_MAX = 64 << 20, CLIENT_PATH_SIZE = 4096 };

struct client;

struct client *client_open(const struct settings *settings);
void client_close(struct client **client);
#define auto_client __attribute__((cleanup(client_close)))

/* `path` begins with a slash; `body` is JSON, or NULL for none. Refusals become errors that say
 * what the market said. The caller owns `*ret_reply`. Asked again, a few times and after a pause,
 * where the market is too busy to have begun. */
NODISCARD bool client_call(struct client *client, const char *method, const char *path,
                           const struct buf *body, json_t **ret_reply, struct error *err);

/* Append a result, once it is there: text from an address that a reply gave, which needs no key
 * and is sent none. `*ret_exit_code` is how the command ended whose result it is, 0 to 255; -1: it
 * is no command's, or did not end by itself. */
NODISCARD bool client_fetch(struct client *client, const char *url, struct buf *text,
                            int *ret_exit_code, struct error *err);

/* Append `text` to a path or query with all but letters, digits and -._~ percent-encoded. */
void client_escape(struct buf *path, const char *text);

#endif
