/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/images.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

static struct images images;

static void put(const char *reference, const char *id)
{
    struct pull_image image = { .port_count = 1, .ports = { { 80, false } } };

    (void)snprintf(image.id, sizeof image.id, "%s", id);
    images_put(&images, reference, &image);
}

static const char *id_of(const char *reference)
{
    const struct pull_image *image = images_find(&images, reference);

    return image != NULL ? image->id : "none";
}

static void test_what_was_put_last_is_known(void **state)
{
    (void)state;
    images = (struct images){ 0 };
    CHECK_TEXT(id_of("bb:1"), "none");
    put("bb:1", "a");
    put("bb:2", "b");
    CHECK_TEXT(id_of("bb:1"), "a");
    CHECK_INT(images_find(&images, "bb:1")->ports[0].port, 80);
    put("bb:1", "c");
    CHECK_TEXT(id_of("bb:1"), "c");
    CHECK_TEXT(id_of("bb:2"), "b");
    images_forget(&images, "bb:1");
    images_forget(&images, "bb:3");
    CHECK_TEXT(id_of("bb:1"), "none");
    CHECK_TEXT(id_of("bb:2"), "b");
    put("bb:1", "d");
    CHECK_TEXT(id_of("bb:1"), "d");
}

/* What was forgotten has no name, and neither has nothing. */
static void test_nothing_has_no_name(void **state)
{
    (void)state;
    images = (struct images){ 0 };
    put("", "a");
    CHECK_TEXT(id_of(""), "none");
    put("bb:1", "a");
    images_forget(&images, "bb:1");
    CHECK_TEXT(id_of(""), "none");
    images_forget(&images, "");
    CHECK_INT((int64_t)images.count, 1);
}

static void test_the_oldest_makes_room(void **state)
{
    char name[32];

    (void)state;
    images = (struct images){ 0 };
    for (int i = 0; i < IMAGES_MAX; i++) {
        (void)snprintf(name, sizeof name, "bb:%d", i);
        put(name, name);
    }
    CHECK_TEXT(id_of("bb:0"), "bb:0");
    put("one more", "x");
    CHECK_TEXT(id_of("bb:0"), "none");
    CHECK_TEXT(id_of("bb:1"), "bb:1");
    CHECK_TEXT(id_of("one more"), "x");
    CHECK_INT((int64_t)images.count, IMAGES_MAX);
}

static void test_a_name_has_a_limit(void **state)
{
    char name[IMAGE_REFERENCE_SIZE + 1];

    (void)state;
    images = (struct images){ 0 };
    memset(name, 'a', sizeof name);
    name[IMAGE_REFERENCE_SIZE] = '\0';
    put(name, "too long");
    CHECK_TEXT(id_of(name), "none");
    name[IMAGE_REFERENCE_SIZE - 1] = '\0';
    put(name, "as long as may be");
    CHECK_TEXT(id_of(name), "as long as may be");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_put_last_is_known),
        cmocka_unit_test(test_nothing_has_no_name),
        cmocka_unit_test(test_the_oldest_makes_room),
        cmocka_unit_test(test_a_name_has_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
