/* SPDX-License-Identifier: Apache-2.0 */
/* A public key as OpenSSH writes it on one line: type, base64, comment.
 *
 * People paste whole lines, broken lines and file names. What passes here is a key that sshd would
 * take, and nothing else: options in front ("command=...") would be given rights that nobody
 * asked for. */

#ifndef BERTH_FLOW_SSH_KEY_TEXT_H
#define BERTH_FLOW_SSH_KEY_TEXT_H

#include <stdbool.h>

#include "base/arena.h"

/* `text` may have blanks around it. `*ret_line` is the key in one line, in the arena, with single
 * blanks; else `*ret_why` is a sentence about what is wrong. */
NODISCARD bool ssh_key_parse(const char *text, struct arena *arena, const char **ret_line,
                             const char **ret_why);

#endif
