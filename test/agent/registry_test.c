/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/registry.h"

#include <string.h>

#include "check.h"

enum { FINE = -1 };

static int ask(const char *text, const char *allowed)
{
    struct error err = { 0 };
    struct image image;

    CHECK_OK(image_parse(text, &image, &err), &err);
    if (registry_check(&image, allowed, &err))
        return FINE;
    CHECK(err.code != ERROR_FORBIDDEN || strstr(err.text, image.host) != NULL);
    return (int)err.code;
}

/* Numbers are looked up by nobody, so these need no resolver. */
static void test_where_images_may_go(void **state)
{
    static const struct {
        const char *image, *allowed;
        int want;
    } rows[] = {
        /* The engine's own. */
        { "ubuntu", NULL, FINE },
        { "pytorch/pytorch:2.4.0", NULL, FINE },
        /* The public internet. */
        { "8.8.8.8/lib/bb", NULL, FINE },
        { "8.8.8.8:5000/lib/bb:1", NULL, FINE },
        /* This host, its neighbours, metadata. */
        { "localhost/lib/bb", NULL, ERROR_FORBIDDEN },
        { "localhost:5000/lib/bb", NULL, ERROR_FORBIDDEN },
        { "127.0.0.1:5000/lib/bb", NULL, ERROR_FORBIDDEN },
        { "127.1.2.3/lib/bb", NULL, ERROR_FORBIDDEN },
        { "10.0.0.1/lib/bb", NULL, ERROR_FORBIDDEN },
        { "172.16.5.5:443/lib/bb", NULL, ERROR_FORBIDDEN },
        { "172.31.255.255/lib/bb", NULL, ERROR_FORBIDDEN },
        { "172.32.0.1/lib/bb", NULL, FINE },
        { "192.168.77.10:5000/lib/bb", NULL, ERROR_FORBIDDEN },
        { "100.64.0.5/lib/bb", NULL, ERROR_FORBIDDEN },
        { "169.254.169.254/latest/meta", NULL, ERROR_FORBIDDEN },
        { "0.0.0.0:5000/lib/bb", NULL, ERROR_FORBIDDEN },
        /* Numbers in other clothes. */
        { "0177.0.0.1/lib/bb", NULL, ERROR_FORBIDDEN },
        { "0x7f.1/lib/bb", NULL, ERROR_FORBIDDEN },
        { "127.1:80/lib/bb", NULL, ERROR_FORBIDDEN },
        { "2130706433:80/lib/bb", NULL, ERROR_FORBIDDEN },
        { "0xa9fea9fe:80/lib/bb", NULL, ERROR_FORBIDDEN },
        /* What the owner lets in, by its whole name. */
        { "127.0.0.1:5000/lib/bb", "127.0.0.1:5000", FINE },
        { "127.0.0.1:5000/lib/bb", "a.example,127.0.0.1:5000,b.example:1", FINE },
        { "localhost:5000/lib/bb", "LocalHost:5000", FINE },
        { "127.0.0.1:5001/lib/bb", "127.0.0.1:5000", ERROR_FORBIDDEN },
        { "127.0.0.1/lib/bb", "127.0.0.1:5000", ERROR_FORBIDDEN },
        { "127.0.0.1:5000/lib/bb", "127.0.0.1", ERROR_FORBIDDEN },
        { "127.0.0.1:5000/lib/bb", "127.0.0.1:50000", ERROR_FORBIDDEN },
        { "127.0.0.1:5000/lib/bb", "", ERROR_FORBIDDEN },
        { "127.0.0.1:5000/lib/bb", ",,", ERROR_FORBIDDEN },
        { "127.0.0.1:5000/lib/bb", "all", FINE },
        { "127.0.0.1:5000/lib/bb", "all,x", ERROR_FORBIDDEN },
        /* Nobody has such a name, ever (RFC 2606). */
        { "nobody.invalid/lib/bb", NULL, ERROR_UNREACHABLE },
        { "nobody.invalid/lib/bb", "nobody.invalid", FINE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s, allowed %s", rows[i].image,
                  rows[i].allowed != NULL ? rows[i].allowed : "none");
        CHECK_INT(ask(rows[i].image, rows[i].allowed), rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where_images_may_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
