/* SPDX-License-Identifier: Apache-2.0 */
#include "server/coding.h"

#include "check.h"

static void test_what_a_client_takes(void **state)
{
    static const struct {
        const char *first, *second; /* headers, or NULL */
        bool wants;
    } rows[] = {
        { NULL, NULL, false },
        { "", NULL, false },
        { "gzip", NULL, true },
        { "gzip, deflate", NULL, true },
        { "deflate, br, GZIP", NULL, true },
        { "x-gzip", NULL, true },
        { "deflate, br", NULL, false },
        { "identity", NULL, false },
        { "*", NULL, true },
        { "*;q=0", NULL, false },
        { "gzip;q=0", NULL, false },
        { "gzip;q=0.0", NULL, false },
        { "gzip;q=0.000, *", NULL, false },
        { "gzip;q=0.001", NULL, true },
        { "gzip;q=1.000", NULL, true },
        { "gzip ; q=0.5 , deflate", NULL, true },
        { "gzip;\tQ=0.5", NULL, true },
        { "*;q=0, gzip", NULL, true },
        { "gzip, *;q=0", NULL, true },
        { "identity;q=0", NULL, false },
        { "identity;q=0, *", NULL, true },
        { "gzip;q=0.5, identity", NULL, false },
        { "gzip;q=0.5, identity;q=0.5", NULL, true },
        { "gzip;q=0.5, identity;q=0.501", NULL, false },
        { "*;q=0.2, identity;q=0.3", NULL, false },
        /* What is malformed is not said. */
        { "gzip;q=1.001", NULL, false },
        { "gzip;q=2", NULL, false },
        { "gzip;q=0.0001", NULL, false },
        { "gzip;q=", NULL, false },
        { "gzip;q=-1", NULL, false },
        { "gzip;level=9", NULL, false },
        { "gzip deflate", NULL, false },
        { "gzipped", NULL, false },
        { "gzi", NULL, false },
        { "gzip;q=x, gzip;q=0.3", NULL, true },
        { ",,gzip,,", NULL, true },
        { ";q=1", NULL, false },
        /* Two headers are one list. */
        { "deflate", "gzip", true },
        { "gzip", "gzip;q=0", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct http_pair headers[] = {
            { "Accept", "gzip" },
            { "accept-encoding", rows[i].first },
            { "Accept-Encoding", rows[i].second },
        };
        const struct http_request request = {
            .headers = headers,
            .header_count = rows[i].first == NULL    ? 1
                            : rows[i].second == NULL ? 2
                                                     : 3,
        };

        check_row("'%s'", rows[i].first != NULL ? rows[i].first : "none");
        CHECK_INT(coding_takes_gzip(&request), rows[i].wants);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_what_a_client_takes) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
