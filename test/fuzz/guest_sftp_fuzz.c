/* SPDX-License-Identifier: Apache-2.0 */
/* Requests from any SFTP client: read safely, and never further than they go. */
#include <assert.h>
#include <string.h>

#include "guest/sftp_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct sftp_request request;

    enum sftp_status status = sftp_read_request(bytes, length, &request);
    if (status != SFTP_OK)
        return 0;
    assert(strnlen(request.path, SFTP_PATH_MAX) < SFTP_PATH_MAX);
    assert(strnlen(request.other_path, SFTP_PATH_MAX) < SFTP_PATH_MAX);
    if (request.data != NULL)
        assert(request.data >= bytes && request.length <= (size_t)(bytes + length - request.data));
    return 0;
}
