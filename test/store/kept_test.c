/* SPDX-License-Identifier: Apache-2.0 */
#include "store/kept.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

static struct kept_name name_of(const char *text)
{
    return (struct kept_name){ text, strlen(text) };
}

static void put(struct kept **kept, int64_t version, const char *name, const char *text)
{
    auto_buf struct buf bytes = buf_of(2 * KEPT_BYTES_MAX);

    buf_printf(&bytes, "%s", text);
    kept_put(kept, version, name_of(name), &bytes);
}

/* What is there, behind what the buffer has already; "": nothing. */
static const char *found(const struct kept *kept, int64_t version, const char *name)
{
    static char text[2 * KEPT_BYTES_MAX];
    auto_buf struct buf out = buf_of(2 * KEPT_BYTES_MAX);

    buf_printf(&out, "> ");
    bool is_found = kept_find(kept, version, name_of(name), &out);
    CHECK_INT(is_found, out.length > 2);
    (void)snprintf(text, sizeof text, "%s", out.bytes + 2);
    return text;
}

static void test_what_was_put_is_found_at_its_version_alone(void **state)
{
    struct kept *kept = NULL;

    (void)state;
    CHECK_TEXT(found(kept, 0, "ada"), "");
    put(&kept, 7, "ada", "first");
    CHECK_TEXT(found(kept, 7, "ada"), "first");
    CHECK_TEXT(found(kept, 8, "ada"), "");
    CHECK_TEXT(found(kept, 6, "ada"), "");
    put(&kept, 7, "ada", "second");
    CHECK_TEXT(found(kept, 7, "ada"), "second");
    kept_release(&kept);
    CHECK(kept == NULL);
    kept_release(&kept);
}

/* Not even where its number comes again. */
static void test_what_is_put_at_another_version_sends_all_else_away(void **state)
{
    struct kept *kept = NULL;

    (void)state;
    put(&kept, 1, "ada", "of one");
    put(&kept, 1, "bob", "of one");
    put(&kept, 2, "cleo", "of two");
    put(&kept, 1, "dan", "of one again");
    CHECK_TEXT(found(kept, 1, "ada"), "");
    CHECK_TEXT(found(kept, 1, "bob"), "");
    CHECK_TEXT(found(kept, 1, "cleo"), "");
    CHECK_TEXT(found(kept, 1, "dan"), "of one again");
    kept_release(&kept);
}

/* A thousand names in 64 places: who is found has its own answer, never another's. */
static void test_names_that_meet_are_told_apart(void **state)
{
    enum { NAMES = 1000 };
    struct kept *kept = NULL;
    int found_count = 0;

    (void)state;
    for (int i = 0; i < NAMES; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "%d", i);
        put(&kept, 3, name, name);
        CHECK_TEXT(found(kept, 3, name), name);
    }
    for (int i = 0; i < NAMES; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "%d", i);
        const char *text = found(kept, 3, name);
        CHECK(*text == '\0' || strcmp(text, name) == 0);
        found_count += *text != '\0';
    }
    CHECK(found_count > KEPT_PLACES / 2 && found_count <= KEPT_PLACES);
    CHECK_TEXT(found(kept, 3, "12x"), "");
    kept_release(&kept);
}

static void test_names_and_answers_have_limits(void **state)
{
    char name[KEPT_NAME_MAX + 1], text[KEPT_BYTES_MAX + 2];
    struct kept *kept = NULL;

    (void)state;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    memset(text, 't', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    put(&kept, 1, name, "a name of full length");
    CHECK_TEXT(found(kept, 1, name), "a name of full length");
    CHECK_TEXT(found(kept, 1, name + 1), "");
    put(&kept, 1, "long", text + 1);
    CHECK_TEXT(found(kept, 1, "long"), text + 1);
    put(&kept, 1, "too long", text);
    CHECK_TEXT(found(kept, 1, "too long"), "");
    put(&kept, 1, "empty", "");
    CHECK_TEXT(found(kept, 1, "empty"), "");
    kept_release(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_put_is_found_at_its_version_alone),
        cmocka_unit_test(test_what_is_put_at_another_version_sends_all_else_away),
        cmocka_unit_test(test_names_that_meet_are_told_apart),
        cmocka_unit_test(test_names_and_answers_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
