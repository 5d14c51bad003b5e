/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access_hostkey.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "sys/crypto.h"

static char directory[] = "/tmp/berth-hostkey-test-XXXXXX";

static const char *path_of(const char *name, char path[static 128])
{
    (void)snprintf(path, 128, "%s/%s", directory, name);
    return path;
}

static bool same(ssh_key a, ssh_key b)
{
    return ssh_key_cmp(a, b, SSH_KEY_CMP_PRIVATE) == 0;
}

static void test_keys_are_made_once(void **state)
{
    struct access_hostkeys first, second;
    struct error err;
    struct stat found;
    char path[128];

    (void)state;
    CHECK_OK(access_hostkeys_open(directory, &first, &err), &err);
    CHECK_INT(ssh_key_type(first.ed25519), SSH_KEYTYPE_ED25519);
    CHECK_INT(ssh_key_type(first.rsa), SSH_KEYTYPE_RSA);
    CHECK_INT(stat(path_of("host_ed25519", path), &found), 0);
    CHECK_INT(found.st_mode & 0777, 0600);
    CHECK_OK(access_hostkeys_open(directory, &second, &err), &err);
    CHECK(same(first.ed25519, second.ed25519));
    CHECK(same(first.rsa, second.rsa));
    access_hostkeys_close(&first);
    access_hostkeys_close(&second);
}

/* A host that became another overnight would frighten everybody: better none at all. */
static void test_a_broken_key_is_not_replaced(void **state)
{
    static const char *const contents[] = { "", "junk" };
    struct access_hostkeys keys;
    struct error err;
    char path[128], text[16];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        int fd = open(path_of("host_ed25519", path), O_RDWR | O_TRUNC | O_CLOEXEC);

        check_row("\"%s\"", contents[i]);
        CHECK_INT(write(fd, contents[i], strlen(contents[i])), (int64_t)strlen(contents[i]));
        CHECK_FAILS(access_hostkeys_open(directory, &keys, &err), &err, ERROR_CORRUPT);
        CHECK_INT(pread(fd, text, sizeof(text), 0), (int64_t)strlen(contents[i]));
        CHECK_INT(close(fd), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_are_made_once),
        cmocka_unit_test(test_a_broken_key_is_not_replaced),
    };
    char path[128];

    crypto_start();
    if (ssh_init() != SSH_OK || mkdtemp(directory) == NULL)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path_of("host_ed25519", path));
    (void)unlink(path_of("host_rsa", path));
    (void)rmdir(directory);
    return failed;
}
