/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/op_names.h"

#include <string.h>

#include "check.h"

enum { DRAWS = 200 };

static void no_two_are_alike(void **state)
{
    static struct op_names drawn[DRAWS];

    (void)state;
    for (size_t i = 0; i < DRAWS; i++) {
        drawn[i] = op_names_draw();
        CHECK(strlen(drawn[i].id) == OP_ID_SIZE - 1);
        CHECK(strspn(drawn[i].id, "0123456789abcdef") == OP_ID_SIZE - 1);
        for (size_t j = 0; j < i; j++) {
            CHECK(strcmp(drawn[i].id, drawn[j].id) != 0);
            CHECK(strcmp(drawn[i].token, drawn[j].token) != 0);
        }
    }
}

static void what_is_kept_is_the_hash_of_the_token(void **state)
{
    struct op_names names = op_names_draw();
    struct hash hash = crypto_sha256(names.token, strlen(names.token));

    (void)state;
    CHECK(memcmp(&names.token_hash, &hash, sizeof hash) == 0);
    CHECK(strstr(names.token, names.id) == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_two_are_alike),
        cmocka_unit_test(what_is_kept_is_the_hash_of_the_token),
    };

    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
