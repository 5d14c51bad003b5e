/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http_refuse.h"

#include <assert.h>
#include <dlfcn.h>
#include <string.h>

#include "server/http_reaper.h"

typedef enum MHD_Result queue_function(struct MHD_Connection *mhd, unsigned status,
                                       struct MHD_Response *response);

static pthread_once_t is_found = PTHREAD_ONCE_INIT;
static queue_function *library_queue;

static void find_library_queue(void)
{
    void *found = dlsym(RTLD_NEXT, "MHD_queue_response");

    assert(found != NULL);
    memcpy(&library_queue, &found, sizeof found);
}

enum MHD_Result refuse_not(struct MHD_Connection *mhd, unsigned status,
                           struct MHD_Response *response)
{
    (void)pthread_once(&is_found, find_library_queue);
    return library_queue(mhd, status, response);
}

const char *refuse_code(int status)
{
    switch (status) {
    case 408:
        return "request_timeout";
    case 413:
    case 414:
    case 431:
        return "too_large";
    default:
        return status < 500 || status == 501 || status == 505 ? "bad_request" : "internal_error";
    }
}

static const char *sentence(int status)
{
    switch (status) {
    case 413:
        return "The request's body is too large.";
    case 414:
        return "The address is too long.";
    case 431:
        return "The request's head is too long.";
    case 501:
        return "This is not known here.";
    case 505:
        return "This is neither HTTP/1.1 nor HTTP/1.0.";
    default:
        return status < 500 ? "The request breaks the rules of HTTP."
                            : "The request cannot be answered now.";
    }
}

/* Called by the library, which closes the connection when it hears that this did not work. To let
 * it send our reply would not do: after some of its errors it writes the head twice. */
enum MHD_Result MHD_queue_response(struct MHD_Connection *mhd, unsigned status,
                                   struct MHD_Response *page)
{
    struct http_connection *connection =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

    (void)page;
    if (connection_cut(connection))
        reaper_say(connection, (int)status, refuse_code((int)status), sentence((int)status));
    return MHD_NO;
}
