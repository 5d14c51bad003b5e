/* SPDX-License-Identifier: Apache-2.0 */
/* What SFTP requests do to files. Open ones are kept in one table for the process. */

#ifndef BERTH_GUEST_SFTP_FILE_H
#define BERTH_GUEST_SFTP_FILE_H

#include "guest/sftp.h"

enum { SFTP_HANDLES_MAX = 256 };

/* Do what the request says and write the answer into `reply`. Returns its length. */
size_t sftp_perform(const struct sftp_request *request, uint8_t reply[static SFTP_REPLY_MAX]);

/* An answer that is a status; `text` is for people. */
size_t sftp_put_status(uint8_t reply[static SFTP_REPLY_MAX], uint32_t id, enum sftp_status status,
                       const char *text);

#endif
