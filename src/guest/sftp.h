/* SPDX-License-Identifier: Apache-2.0 */
/* Our own SFTP server, so that sftp and scp need nothing from the image: version 3 with the
 * extensions that OpenSSH's clients use. Files are those of the container, with its rights. */

#ifndef BERTH_GUEST_SFTP_H
#define BERTH_GUEST_SFTP_H

#include <stddef.h>
#include <stdint.h>

#include "guest/sftp_wire.h"

enum { SFTP_REPLY_MAX = SFTP_PACKET_MAX + 1024 };

/* Serve standard input and output until the input ends. Returns the exit status. */
int sftp_main(void);

/* Answer one packet (without its length). Returns the length of the answer in `reply`; there
 * always is one. */
size_t sftp_answer(const uint8_t *packet, size_t length, uint8_t reply[static SFTP_REPLY_MAX]);

#endif
