/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/desired_rows.h"

#include <string.h>

#include "check.h"

/* What is no place, or is there twice, is no spec. */
static void test_volumes_have_places_of_their_own(void **state)
{
    static const struct {
        const char *json;
        bool is_good;
    } rows[] = {
        { "{}", true },
        { "{'volumes':[]}", true },
        { "{'volumes':[{'id':1,'size_gb':2,'path':'/a'},{'id':2,'size_gb':2,'path':'/b'}]}", true },
        { "{'volumes':[{'id':1,'size_gb':2,'path':'/a'},{'id':1,'size_gb':2,'path':'/b'}]}",
          false },
        { "{'volumes':[{'id':1,'size_gb':2,'path':'/a'},{'id':2,'size_gb':2,'path':'/a'}]}",
          false },
        { "{'volumes':[{'id':1,'size_gb':2,'path':'/proc'}]}", false },
        { "{'volumes':[{'id':1,'size_gb':0,'path':'/a'}]}", false },
        { "{'volumes':[{'id':0,'size_gb':1,'path':'/a'}]}", false },
        { "{'volumes':[{'id':1,'size_gb':1}]}", false },
        { "{'volumes':{}}", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_arena struct arena arena = arena_of(1 << 16);
        auto_json json_t *root = NULL;
        struct instance_spec spec = { 0 };
        char text[256];
        struct error err;

        check_row("%s", rows[i].json);
        (void)snprintf(text, sizeof text, "%s", rows[i].json);
        for (char *at = text; *at != '\0'; at++)
            *at = *at == '\'' ? '"' : *at;
        CHECK_OK(json_parse(text, strlen(text), &root, &err), &err);
        CHECK_INT(desired_volumes_decode(root, &arena, &spec, &err), rows[i].is_good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_volumes_have_places_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
