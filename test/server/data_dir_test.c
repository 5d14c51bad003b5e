/* SPDX-License-Identifier: Apache-2.0 */
#include "server/data_dir.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "sys/file.h"

static char path[64];

static int make_dir(void **state)
{
    (void)state;
    crypto_start();
    (void)snprintf(path, sizeof path, "/tmp/berth-data-dir-%d-XXXXXX", (int)getpid());
    return mkdtemp(path) == NULL ? -1 : 0;
}

static int remove_dir(void **state)
{
    static const char *const names[] = { "berth.lock", "server.key", "master.key",
                                         "master.key.next", "master.key.before" };
    char name[128];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(name, sizeof name, "%s/%s", path, names[i]);
        (void)unlink(name);
    }
    return rmdir(path);
}

static void test_the_key_is_made_once_and_kept(void **state)
{
    (void)state;
    auto_data_dir struct data_dir dir = { .fd = -1, .lock_fd = -1 };
    struct key_pair first, second;
    struct stat status;
    struct error err;

    CHECK_OK(data_dir_open(path, &dir, &err), &err);
    CHECK_OK(data_dir_keys(&dir, &first, &err), &err);
    CHECK_INT(fstatat(dir.fd, "server.key", &status, 0), 0);
    CHECK_INT(status.st_mode & 07777, 0600);
    CHECK_OK(data_dir_keys(&dir, &second, &err), &err);
    CHECK(memcmp(&first, &second, sizeof first) == 0);
}

static void test_a_key_that_others_may_read_is_refused(void **state)
{
    (void)state;
    auto_data_dir struct data_dir dir = { .fd = -1, .lock_fd = -1 };
    struct key_pair keys, untouched;
    struct error err;

    CHECK_OK(data_dir_open(path, &dir, &err), &err);
    CHECK_OK(data_dir_keys(&dir, &keys, &err), &err);
    untouched = keys;
    CHECK_INT(fchmodat(dir.fd, "server.key", 0640, 0), 0);
    CHECK_FAILS(data_dir_keys(&dir, &keys, &err), &err, ERROR_FORBIDDEN);
    CHECK(memcmp(&keys, &untouched, sizeof keys) == 0);
}

static void test_what_is_no_key_is_refused_and_not_replaced(void **state)
{
    (void)state;
    auto_data_dir struct data_dir dir = { .fd = -1, .lock_fd = -1 };
    struct key_pair keys;
    struct error err;
    char text[200];
    auto_buf struct buf content = buf_of(1024);

    CHECK_OK(data_dir_open(path, &dir, &err), &err);
    CHECK_OK(data_dir_keys(&dir, &keys, &err), &err);
    CHECK_OK(file_read(dir.fd, "server.key", &content, &err), &err);
    (void)snprintf(text, sizeof text, "%s", content.bytes);

    /* A digit of the public half that does not belong to the seed; one too few; nothing. */
    text[100] = text[100] == '0' ? '1' : '0';
    const size_t lengths[] = { strlen(text), strlen(text) - 2, 0 };
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        check_row("length %zu", lengths[i]);
        CHECK_OK(file_replace(dir.fd, "server.key", 0600, text, lengths[i], &err), &err);
        CHECK_FAILS(data_dir_keys(&dir, &keys, &err), &err, ERROR_CORRUPT);
    }
}

static void test_the_master_key_is_made_once_and_as_closely_kept(void **state)
{
    static const char *const bad[] = { "", "\n", "00\n", "not hexadecimal at all" };
    uint8_t first[SEAL_KEY_SIZE], second[SEAL_KEY_SIZE];
    auto_data_dir struct data_dir dir = { .fd = -1, .lock_fd = -1 };
    struct stat status;
    struct error err;

    (void)state;
    CHECK_OK(data_dir_open(path, &dir, &err), &err);
    CHECK_OK(data_dir_master_key(&dir, first, &err), &err);
    CHECK_INT(fstatat(dir.fd, "master.key", &status, 0), 0);
    CHECK_INT(status.st_mode & 07777, 0600);
    CHECK_OK(data_dir_master_key(&dir, second, &err), &err);
    CHECK(memcmp(first, second, sizeof first) == 0);
    CHECK_INT(fchmodat(dir.fd, "master.key", 0640, 0), 0);
    CHECK_FAILS(data_dir_master_key(&dir, second, &err), &err, ERROR_FORBIDDEN);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check_row("%zu", i);
        CHECK_OK(file_replace(dir.fd, "master.key", 0600, bad[i], strlen(bad[i]), &err), &err);
        CHECK_FAILS(data_dir_master_key(&dir, second, &err), &err, ERROR_CORRUPT);
    }
}

static void key_is(const struct data_dir *dir, int other, const uint8_t *want)
{
    uint8_t key[SEAL_KEY_SIZE];
    struct error err;
    bool has = true;

    if (other < 0)
        CHECK_OK(data_dir_master_key(dir, key, &err), &err);
    else
        CHECK_OK(data_dir_other_key(dir, (enum data_dir_other)other, key, &has, &err), &err);
    CHECK_INT(has, want != NULL);
    CHECK(want == NULL || memcmp(key, want, sizeof key) == 0);
}

static void test_a_master_key_takes_the_place_of_another_in_steps(void **state)
{
    uint8_t first[SEAL_KEY_SIZE], second[SEAL_KEY_SIZE];
    auto_data_dir struct data_dir dir = { .fd = -1, .lock_fd = -1 };
    struct error err;
    bool has;

    (void)state;
    CHECK_OK(data_dir_open(path, &dir, &err), &err);
    CHECK_FAILS(data_dir_next_key(&dir, &err), &err, ERROR_NOT_FOUND);
    CHECK_OK(data_dir_master_key(&dir, first, &err), &err);
    CHECK_FAILS(data_dir_turn_key(&dir, &err), &err, ERROR_CONFLICT);
    CHECK_FAILS(data_dir_forget_key(&dir, &err), &err, ERROR_NOT_FOUND);
    CHECK_OK(data_dir_next_key(&dir, &err), &err);
    CHECK_FAILS(data_dir_next_key(&dir, &err), &err, ERROR_CONFLICT);
    key_is(&dir, -1, first);
    key_is(&dir, DATA_DIR_BEFORE, NULL);
    CHECK_OK(data_dir_other_key(&dir, DATA_DIR_NEXT, second, &has, &err), &err);
    CHECK(has && memcmp(first, second, sizeof first) != 0);
    /* A power cut between the two halves of a turn: both are the present one, and it is turned
     * again. */
    CHECK_INT(linkat(dir.fd, "master.key", dir.fd, "master.key.before", 0), 0);
    CHECK_FAILS(data_dir_forget_key(&dir, &err), &err, ERROR_CONFLICT);
    CHECK_OK(data_dir_turn_key(&dir, &err), &err);
    key_is(&dir, -1, second);
    key_is(&dir, DATA_DIR_BEFORE, first);
    key_is(&dir, DATA_DIR_NEXT, NULL);
    CHECK_OK(data_dir_next_key(&dir, &err), &err);
    CHECK_FAILS(data_dir_turn_key(&dir, &err), &err, ERROR_CONFLICT); /* one before is there */
    key_is(&dir, -1, second);
    CHECK_OK(data_dir_forget_key(&dir, &err), &err);
    key_is(&dir, DATA_DIR_BEFORE, NULL);
    CHECK_OK(data_dir_turn_key(&dir, &err), &err);
    key_is(&dir, DATA_DIR_BEFORE, second);
    CHECK_INT(fchmodat(dir.fd, "master.key.before", 0640, 0), 0);
    CHECK_FAILS(data_dir_other_key(&dir, DATA_DIR_BEFORE, first, &has, &err), &err,
                ERROR_FORBIDDEN);
}

static void test_one_process_serves_from_a_folder(void **state)
{
    (void)state;
    auto_data_dir struct data_dir first = { .fd = -1, .lock_fd = -1 };
    auto_data_dir struct data_dir second = { .fd = -1, .lock_fd = -1 };
    struct error err;
    char mine[64];

    CHECK_OK(data_dir_open(path, &first, &err), &err);
    CHECK_OK(data_dir_open(path, &second, &err), &err);
    CHECK_INT(data_dir_server(&second), 0);
    CHECK_OK(data_dir_lock(&first, &err), &err);
    CHECK_INT(data_dir_server(&second), getpid());
    CHECK_FAILS(data_dir_lock(&second, &err), &err, ERROR_CONFLICT);
    (void)snprintf(mine, sizeof mine, "process %d serves", (int)getpid());
    CHECK(strncmp(err.text, mine, strlen(mine)) == 0);

    data_dir_close(&first);
    CHECK_INT(data_dir_server(&second), 0);
    CHECK_OK(data_dir_lock(&second, &err), &err);
}

static void test_a_folder_that_cannot_be_made_is_an_error(void **state)
{
    (void)state;
    struct data_dir dir = { .fd = -7, .lock_fd = -7 };
    struct error err;

    CHECK(!data_dir_open("/proc/berth/data", &dir, &err));
    CHECK_INT(dir.fd, -7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_key_is_made_once_and_kept, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_key_that_others_may_read_is_refused, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(test_what_is_no_key_is_refused_and_not_replaced, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(test_the_master_key_is_made_once_and_as_closely_kept,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_master_key_takes_the_place_of_another_in_steps,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_one_process_serves_from_a_folder, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(test_a_folder_that_cannot_be_made_is_an_error, make_dir,
                                        remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
