/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/measured.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "market/meter.h"
#include "sys/fd.h"
#include "sys/file.h"

static char dir[] = "/var/tmp/berth-measured-XXXXXX";
static char large[64], small[64]; /* file systems of their own, of 3 and of 2 GB */
static struct log noted;

/* What was logged since. */
static const char *said(void)
{
    static char text[1024];
    ssize_t length = pread(noted.fd, text, sizeof text - 1, 0);

    text[length > 0 ? length : 0] = '\0';
    return text;
}

static int setup(void **state)
{
    (void)state;
    noted = (struct log){ .fd = memfd_create("log", MFD_CLOEXEC), .level_min = LOG_DEBUG };
    if (noted.fd < 0 || mkdtemp(dir) == NULL)
        return -1;
    (void)snprintf(large, sizeof large, "%s/large", dir);
    (void)snprintf(small, sizeof small, "%s/small", dir);
    return mkdir(large, 0700) == 0 && mkdir(small, 0700) == 0 &&
                   mount("tmpfs", large, "tmpfs", 0, "size=3g") == 0 &&
                   mount("tmpfs", small, "tmpfs", 0, "size=2g") == 0
               ? 0
               : -1;
}

static int teardown(void **state)
{
    char path[128];

    (void)state;
    (void)umount2(large, MNT_DETACH);
    (void)umount2(small, MNT_DETACH);
    (void)rmdir(large);
    (void)rmdir(small);
    (void)snprintf(path, sizeof path, "%s/measured.json", dir);
    (void)unlink(path);
    return rmdir(dir);
}

static int open_dir(void)
{
    return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void forget(void)
{
    auto_close int fd = open_dir();

    (void)unlinkat(fd, "measured.json", 0);
    CHECK(ftruncate(noted.fd, 0) == 0 && lseek(noted.fd, 0, SEEK_SET) == 0);
}

/* As the agent does it; what was measured is kept. */
static struct measured begin(const char *engine_root, int64_t wanted_gb, int64_t *ret_offer_gb)
{
    auto_close int fd = open_dir();
    const struct measured_places places = { engine_root, dir };
    struct measured measured = measured_begin(fd, &places, wanted_gb, &noted, ret_offer_gb);

    if (measured.disk_mbs < 0)
        measured.disk_mbs = 111;
    measured_save(fd, &noted, &measured);
    return measured;
}

static void test_what_is_rented_is_not_free_and_counts(void **state)
{
    static const struct {
        int64_t kept_gb, free_gb, whole_gb, want_gb;
    } rows[] = {
        { 0, 500, 900, 500 },
        { 500, 120, 900, 500 }, /* 380 are rented */
        { 500, 500, 900, 500 },
        { 500, 501, 900, 501 }, /* it has grown */
        { 500, 10, 400, 400 },  /* another, smaller one in its place */
        { 500, -1, -1, 500 },   /* it cannot be looked at now */
        { 0, -1, -1, 0 },
        { 0, 0, 0, 0 },
        { 0, METER_QUANTITY_MAX + 1, METER_QUANTITY_MAX + 9, METER_QUANTITY_MAX },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct measured_size now = { rows[i].free_gb, rows[i].whole_gb };

        check_row("row %zu", i);
        CHECK_INT(measured_capacity(rows[i].kept_gb, now), rows[i].want_gb);
    }
}

static void test_as_much_is_offered_as_its_host_says(void **state)
{
    static const struct {
        int64_t wanted_gb, capacity_gb, whole_gb, want_gb;
    } rows[] = {
        { 0, 500, 900, 500 },   { 1, 500, 900, 1 },     { 600, 500, 900, 600 },
        { 900, 500, 900, 900 }, { 901, 500, 900, 900 }, { 901, 500, -1, 901 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct measured_size now = { 0, rows[i].whole_gb };

        check_row("row %zu", i);
        CHECK_INT(measured_offer(rows[i].wanted_gb, rows[i].capacity_gb, now), rows[i].want_gb);
    }
}

static void test_where_instances_lie(void **state)
{
    (void)state;
    CHECK_TEXT(measured_disk(large, small, dir), large);
    CHECK_TEXT(measured_disk("", small, dir), small);
    CHECK_TEXT(measured_disk("/nowhere/at/all", small, dir), small);
    CHECK_TEXT(measured_disk("", "/nowhere/at/all", dir), dir);
    CHECK_TEXT(measured_disk("", "", dir), dir);
}

static void test_the_engines_disk_is_offered(void **state)
{
    int64_t offer_gb;

    (void)state;
    forget();
    struct measured measured = begin(large, 0, &offer_gb);
    CHECK_INT(offer_gb, 3);
    CHECK_INT(measured.disk_gb, 3);
    CHECK_TEXT(measured.disk, large);

    /* Rentals fill it, and it stays what it is; how fast it writes is not measured again. */
    auto_close int fd = file_scratch(large, 0, &(struct error){ 0 });
    CHECK(fd >= 0 && posix_fallocate(fd, 0, INT64_C(2) << 30) == 0);
    CHECK_INT(measured_look(large).free_gb, 1);
    measured = begin(large, 0, &offer_gb);
    CHECK_INT(offer_gb, 3);
    CHECK_INT(measured.disk_mbs, 111);

    /* The engine is away: it is the same disk as before, and not the one of our folder. */
    measured = begin("", 0, &offer_gb);
    CHECK_INT(offer_gb, 3);
    CHECK_TEXT(measured.disk, large);

    /* It moves to another one, which has to be measured. */
    auto_close int folder = open_dir();
    const struct measured_places places = { small, dir };
    measured = measured_begin(folder, &places, 0, &noted, &offer_gb);
    CHECK_INT(offer_gb, 2);
    CHECK_INT(measured.disk_mbs, -1);
    CHECK_TEXT(said(), "");
}

static void test_a_disk_that_grows_is_offered_whole(void **state)
{
    int64_t offer_gb;

    (void)state;
    forget();
    (void)begin(small, 0, &offer_gb);
    CHECK_INT(offer_gb, 2);
    CHECK(mount("tmpfs", small, "tmpfs", MS_REMOUNT, "size=5g") == 0);
    (void)begin(small, 0, &offer_gb);
    CHECK_INT(offer_gb, 5);
    CHECK(mount("tmpfs", small, "tmpfs", MS_REMOUNT, "size=2g") == 0);
    (void)begin(small, 0, &offer_gb);
    CHECK_INT(offer_gb, 2);
}

static void test_what_its_host_says_is_not_kept(void **state)
{
    int64_t offer_gb;

    (void)state;
    forget();
    (void)begin(large, 1, &offer_gb);
    CHECK_INT(offer_gb, 1);
    CHECK_TEXT(said(), "");
    (void)begin(large, 3, &offer_gb);
    CHECK_INT(offer_gb, 3);
    CHECK_TEXT(said(), "");
    (void)begin(large, 4, &offer_gb);
    CHECK_INT(offer_gb, 3);
    CHECK(strstr(said(), "not the 4 of disk-gb") != NULL);
    (void)begin(large, 0, &offer_gb);
    CHECK_INT(offer_gb, 3);
}

/* Of an agent that looked at its own folder, whatever its engine's disk. */
static void test_what_an_older_agent_kept(void **state)
{
    static const char text[] = "{\"disk_gb\":7,\"disk_mbs\":222}";
    int64_t offer_gb;

    (void)state;
    forget();
    auto_close int fd = open_dir();
    CHECK_OK(file_replace(fd, "measured.json", 0600, text, sizeof text - 1, &(struct error){ 0 }),
             &(struct error){ 0 });
    struct measured measured = begin(dir, 0, &offer_gb);
    CHECK_INT(measured.disk_mbs, 222);
    CHECK(offer_gb >= 7);

    CHECK_OK(file_replace(fd, "measured.json", 0600, text, sizeof text - 1, &(struct error){ 0 }),
             &(struct error){ 0 });
    measured = begin(large, 0, &offer_gb);
    CHECK_INT(offer_gb, 3);
    CHECK_INT(measured.disk_mbs, 111);
}

static void test_what_cannot_be_read_is_measured(void **state)
{
    static const char *const texts[] = { "", "{", "[]", "{\"disk_gb\":-1,\"disk_mbs\":1}",
                                         "{\"disk_gb\":1,\"disk_mbs\":1,\"disk\":7}" };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        auto_close int fd = open_dir();
        struct measured measured;
        struct error err;

        check_row("%s", texts[i]);
        CHECK_OK(file_replace(fd, "measured.json", 0600, texts[i], strlen(texts[i]), &err), &err);
        CHECK(!measured_load(fd, &measured));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_rented_is_not_free_and_counts),
        cmocka_unit_test(test_as_much_is_offered_as_its_host_says),
        cmocka_unit_test(test_where_instances_lie),
        cmocka_unit_test(test_the_engines_disk_is_offered),
        cmocka_unit_test(test_a_disk_that_grows_is_offered_whole),
        cmocka_unit_test(test_what_its_host_says_is_not_kept),
        cmocka_unit_test(test_what_an_older_agent_kept),
        cmocka_unit_test(test_what_cannot_be_read_is_measured),
    };

    if (geteuid() != 0) {
        (void)printf("NOT RUN: mounting takes root\n");
        return CHECK_SKIP;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
