/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/snapshot.h"

#include <string.h>

#include "check.h"

static json_t *parse(const char *text)
{
    json_t *root = NULL;
    struct error err;

    CHECK_OK(json_parse(text, strlen(text), &root, &err), &err);
    return root;
}

/* What the image said, and what Berth put into the container: only the former comes out, and what
 * the engine would fill in from the container is named. */
static void test_nothing_of_ours_is_in_the_image(void **state)
{
    static const struct {
        const char *container, *image, *want;
    } rows[] = {
        { "{\"Config\":{\"Env\":[\"PATH=/x\",\"CONTAINER_API_KEY=secret\",\"HF=canary\",\"EMPTY\"],"
          "\"Labels\":{\"berth.instance\":\"7\",\"a\":\"of the container\"},"
          "\"Entrypoint\":[\"/opt/berth/berth-guest\"],\"Cmd\":[\"launch\"],\"User\":\"0\"}}",
          "{\"Config\":{\"Env\":[\"PATH=/bin\",\"TZ=UTC\"],\"Labels\":{\"a\":\"b\"},"
          "\"Entrypoint\":[\"/init\"],\"Cmd\":[\"-v\"],\"User\":\"app\",\"WorkingDir\":\"/srv\"}}",
          "{\"Env\":[\"PATH=/bin\",\"TZ=UTC\",\"CONTAINER_API_KEY=\",\"HF=\",\"EMPTY\"],"
          "\"Labels\":{\"a\":\"b\",\"berth.instance\":\"\",\"berth.snapshot\":\"\"},"
          "\"Entrypoint\":[\"/init\"],\"Cmd\":[\"-v\"],\"User\":\"app\",\"WorkingDir\":\"/srv\"}" },
        /* An image that says nothing; and one that is a snapshot itself. */
        { "{\"Config\":{\"Env\":null,\"Labels\":null}}", "{\"Config\":{\"User\":\"\"}}",
          "{\"Env\":[],\"Labels\":{\"berth.snapshot\":\"\"},\"Entrypoint\":[],\"Cmd\":[\"/bin/"
          "sh\"],"
          "\"User\":\"root\",\"WorkingDir\":\"/\"}" },
        { "{\"Config\":{\"Env\":[\"HF=\"],\"Labels\":{\"berth.snapshot\":\"\"}}}",
          "{\"Config\":{\"Env\":[\"HF=\"],\"Labels\":{\"berth.snapshot\":\"\"},\"Cmd\":[\"/a\"]}}",
          "{\"Env\":[\"HF=\"],\"Labels\":{\"berth.snapshot\":\"\"},\"Entrypoint\":[],"
          "\"Cmd\":[\"/a\"],\"User\":\"root\",\"WorkingDir\":\"/\"}" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *container = parse(rows[i].container), *image = parse(rows[i].image);
        auto_buf struct buf out = buf_of(65536);

        check_row("row %zu", i);
        snapshot_encode(&out, container, image);
        CHECK_TEXT(out.bytes, rows[i].want);
    }
}

static void test_a_login_is_as_skopeo_reads_it(void **state)
{
    static const struct {
        const char *login, *host, *want;
    } rows[] = {
        { "-u ada -p 'pass word'", "",
          "{\"auths\":{\"docker.io\":{\"auth\":\"YWRhOnBhc3Mgd29yZA==\"}}}" },
        { "-u u -p p registry:5000", "registry:5000",
          "{\"auths\":{\"registry:5000\":{\"auth\":\"dTpw\"}}}" },
        /* The alphabet of '+' and '/', and one '='. */
        { "-u '~~~' -p '?\?\?>'", "r", "{\"auths\":{\"r\":{\"auth\":\"fn5+Oj8/Pz4=\"}}}" },
    };
    auto_buf struct buf none = buf_of(1024);
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf out = buf_of(65536);

        check_row("%s", rows[i].login);
        CHECK_OK(snapshot_login(&out, rows[i].login, rows[i].host, &err), &err);
        CHECK_TEXT(out.bytes, rows[i].want);
    }
    CHECK_FAILS(snapshot_login(&none, "-u u", "r", &err), &err, ERROR_INVALID);
    CHECK_INT((int64_t)none.length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_of_ours_is_in_the_image),
        cmocka_unit_test(test_a_login_is_as_skopeo_reads_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
