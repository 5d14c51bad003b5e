/* SPDX-License-Identifier: Apache-2.0 */
#include "market/cloud.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

static void test_settings_are_what_the_kind_knows_and_all_that_it_needs(void **state)
{
    static const struct {
        const char *kind, *config;
        const char *error; /* a part of it; NULL: it is good */
    } rows[] = {
        { "s3", "{\"access_key_id\":\"A\",\"secret_access_key\":\"s\"}", NULL },
        { "s3",
          "{\"access_key_id\":\"A\",\"secret_access_key\":\"s\",\"endpoint\":\"https://"
          "s3.lan:9000\","
          "\"region\":\"eu\",\"provider\":\"Minio\",\"session_token\":\"t\"}",
          NULL },
        { "s3", "{\"access_key_id\":\"A\",\"secret_access_key\":\"s\",\"endpoint\":\"s3.lan\"}",
          NULL },
        { "s3", "{\"access_key_id\":\"A\"}", "s3 needs secret_access_key" },
        { "s3", "{\"access_key_id\":\"A\",\"secret_access_key\":\"\"}",
          "secret_access_key is a text" },
        { "s3", "{\"access_key_id\":\"A\",\"secret_access_key\":7}",
          "secret_access_key is a text" },
        { "s3", "{\"access_key_id\":\"A\\nB\",\"secret_access_key\":\"s\"}", "control characters" },
        { "s3", "{\"access_key_id\":\"A\",\"secret_access_key\":\"s\\u0000\"}",
          "control characters" },
        { "s3", "{\"access_key_id\":\"A\",\"secret_access_key\":\"s\",\"env_auth\":\"true\"}",
          "s3 has no env_auth" },
        { "s3", "{\"access_key_id\":\"A\",\"secret_access_key\":\"s\",\"endpoint\":\"file:///x\"}",
          "endpoint is an address" },
        { "s3",
          "{\"access_key_id\":\"A\",\"secret_access_key\":\"s\",\"endpoint\":\"http://u:p@h\"}",
          "endpoint is an address" },
        { "s3", "{\"access_key_id\":\"A\",\"secret_access_key\":\"s\",\"endpoint\":\"https://\"}",
          "endpoint is an address" },
        { "b2", "{\"account\":\"a\",\"key\":\"k\"}", NULL },
        { "azureblob", "{\"account\":\"a\",\"key\":\"k\"}", NULL },
        { "gcs", "{\"service_account_credentials\":\"{\\n}\"}", NULL },
        { "google cloud storage", "{\"service_account_credentials\":\"{\\n}\"}", NULL },
        { "drive", "{\"service_account_credentials\":\"{}\",\"root_folder_id\":\"x\"}", NULL },
        { "dropbox", "{\"token\":\"{}\"}", NULL },
        { "webdav", "{\"url\":\"https://dav.lan/x\",\"user\":\"a\",\"pass\":\"p\"}", NULL },
        { "webdav", "{\"user\":\"a\"}", "webdav needs url" },
        { "b2", "[]", "config is an object" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct cloud_kind *kind = cloud_find(rows[i].kind);
        auto_json json_t *config = NULL;
        struct error err = { 0 };

        check_row("%s %s", rows[i].kind, rows[i].config);
        CHECK(kind != NULL);
        config = json_loads(rows[i].config, JSON_ALLOW_NUL, NULL);
        CHECK(config != NULL);
        CHECK_INT(cloud_check(kind, config, &err), rows[i].error == NULL);
        CHECK(rows[i].error == NULL || strstr(err.text, rows[i].error) != NULL);
    }
    CHECK(cloud_find("local") == NULL);
    CHECK(cloud_find("sftp") == NULL);
    CHECK(cloud_find("") == NULL);
}

static void test_a_value_has_a_limit(void **state)
{
    static char value[CLOUD_VALUE_MAX + 2];
    struct error err;

    (void)state;
    memset(value, 'v', CLOUD_VALUE_MAX + 1);
    for (int more = 0; more < 2; more++) {
        auto_json json_t *config = json_object();

        (void)json_object_set_new(config, "account", json_string("a"));
        (void)json_object_set_new(config, "key", json_string(value + 1 - more));
        CHECK_INT(cloud_check(cloud_find("b2"), config, &err), more == 0);
    }
}

static void test_paths_and_flags(void **state)
{
    static char path[CLOUD_PATH_MAX + 2];

    (void)state;
    memset(path, 'p', CLOUD_PATH_MAX + 1);
    CHECK(cloud_path_is_good("/"));
    CHECK(cloud_path_is_good("bk/a b"));
    CHECK(cloud_path_is_good(path + 1));
    CHECK(!cloud_path_is_good(path));
    CHECK(!cloud_path_is_good(""));
    CHECK(!cloud_path_is_good("a\nb"));
    CHECK(!cloud_path_is_good("a\x7f"));
    CHECK(cloud_has_flag("--dry-run"));
    CHECK(cloud_has_flag("--delete-excluded"));
    CHECK(!cloud_has_flag("--config"));
    CHECK(!cloud_has_flag("--dry-run=false"));
    CHECK(!cloud_has_flag(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_are_what_the_kind_knows_and_all_that_it_needs),
        cmocka_unit_test(test_a_value_has_a_limit),
        cmocka_unit_test(test_paths_and_flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
