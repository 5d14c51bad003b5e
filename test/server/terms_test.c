/* SPDX-License-Identifier: Apache-2.0 */
#include "server/terms.h"

#include <string.h>

#include "check.h"

static const struct option_row rows[] = {
    TERMS_OPTION_ROWS,
    { NULL, NULL, NULL },
};

/* Both or none, and nothing that a page could not show. */
static void test_terms_are_a_version_and_a_page(void **state)
{
    static char version[66], url[258];
    static const struct {
        const char *version, *url; /* "" is given, too */
        const char *wrong;         /* NULL: fine */
    } cases[] = {
        { NULL, NULL, NULL },
        { "2026-11", "https://market.test/terms", NULL },
        { "2026-11", NULL, "--terms and --terms-url go together" },
        { NULL, "https://market.test/terms", "--terms and --terms-url go together" },
        { "", "https://market.test/terms", "--terms is a word of up to 64 characters" },
        { "of 2026", "https://market.test/terms", "--terms is a word of up to 64 characters" },
        { version, "https://market.test/terms", "--terms is a word of up to 64 characters" },
        { version + 1, "https://market.test/terms", NULL },
        { "1", "http://market.test/",
          "--terms-url begins with https:// and has up to 256 "
          "characters" },
        { "1", "javascript:1", "--terms-url begins with https:// and has up to 256 characters" },
        { "1", "https://a b", "--terms-url begins with https:// and has up to 256 characters" },
        { "1", url, "--terms-url begins with https:// and has up to 256 characters" },
    };

    (void)state;
    memset(version, 'v', sizeof version - 1);
    memset(url, 'u', sizeof url - 1);
    memcpy(url, "https://", 8);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *words[4];
        struct options options;
        struct flow flow = { .terms = NULL };
        struct error err = { 0 };
        int count = 0;

        check_row("case %zu", i);
        for (int k = 0; k < 2; k++) {
            const char *value = k == 0 ? cases[i].version : cases[i].url;

            if (value == NULL)
                continue;
            words[count++] = k == 0 ? "--terms" : "--terms-url";
            words[count++] = value;
        }
        CHECK_OK(options_parse(rows, count, (char **)words, &options, &err), &err);
        bool is_good = terms_read(&options, &flow, &err);
        CHECK(is_good == (cases[i].wrong == NULL));
        CHECK_TEXT(is_good ? "" : err.text, is_good ? "" : cases[i].wrong);
        CHECK((flow.terms != NULL) == (is_good && cases[i].version != NULL));
        CHECK((flow.terms_url != NULL) == (flow.terms != NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terms_are_a_version_and_a_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
