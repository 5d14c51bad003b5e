/* SPDX-License-Identifier: Apache-2.0 */
/* Renters who fill disks: on a file system that holds them to their size, and on one that has a
 * number of inodes. Each is made here, in a file, for an engine of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "support_engine.h"
#include "support_host.h"
#include "sys/crypto.h"

enum { HERS = 1, OTHER = 2, PATIENCE_S = 4 * HOST_SECONDS, MB = 1 << 20 };

static struct desired_instance both[2];

/* A host whose engine's data lies on what `make` leaves at "data". */
static int set_up(void **state, const char *make)
{
    char command[1024];

    crypto_start();
    if (engine_folder_setup(state) != 0)
        return -1;
    (void)snprintf(command, sizeof command, "cd %s && mkdir data && %s", engine_dir(), make);
    engine_shell(command);
    engine_start();
    engine_import(engine_path());
    host_market = market_open();
    host_start();
    both[0] = host_instance(HERS, 1, DESIRED_RUNNING);
    both[1] = host_instance(OTHER, 1, DESIRED_RUNNING);
    both[0].spec.disk_gb = both[1].spec.disk_gb = 1;
    market_want(host_market, both, 2);
    (void)market_wait(host_market, HERS, PHASE_RUNNING, 1, PATIENCE_S);
    (void)market_wait(host_market, OTHER, PHASE_RUNNING, 1, PATIENCE_S);
    return 0;
}

static int set_up_btrfs(void **state)
{
    return set_up(state, "truncate -s 6G image && mkfs.btrfs -q image && mount -o loop image data");
}

/* 128 kB of disk for each file. */
static int set_up_few_inodes(void **state)
{
    return set_up(state, "truncate -s 2G image && mkfs.ext4 -q -N 16384 image && "
                         "mount -o loop image data");
}

static int64_t used_mb(int64_t id)
{
    struct market_report report;

    return market_report(host_market, id, &report) ? report.disk_used_mb : -1;
}

static void set_state(enum desired_state state, enum instance_phase phase)
{
    both[0].gen++;
    both[0].state = state;
    market_want(host_market, both, 2);
    (void)market_wait(host_market, HERS, phase, both[0].gen, PATIENCE_S);
}

/* How much of so many MB behind so much that is only taken, quickly, it could write; in MB. */
static long long write_mb(int64_t id, int taken_mb, int wanted_mb)
{
    char command[256], output[256];

    (void)snprintf(
        command, sizeof command,
        "rm -f /taken /big; sync; fallocate -l %dM /taken; dd if=/dev/zero of=/big bs=1M "
        "count=%d 2>/dev/null; sync; wc -c < /big",
        taken_mb, wanted_mb);
    host_run(id, command, output, sizeof output);
    check_row("%s bytes behind %d MB", output, taken_mb);
    return strtoll(output, NULL, 10) / MB;
}

static void check_is_full(void)
{
    char output[256];

    host_run(HERS, "echo x > /more", output, sizeof output);
    CHECK(strstr(output, "Disk quota exceeded") != NULL);
}

static void test_a_full_disk_is_its_renters_alone(void **state)
{
    char output[256];

    (void)state;
    /* The quota counts what of the image is the container's alone as well. */
    long long written = write_mb(HERS, 900, 200);
    CHECK(written > 80 && written <= 124);
    check_is_full();
    CHECK_INT(write_mb(OTHER, 900, 60), 60);
    /* What is deleted is there again, also after a new start. */
    host_run(HERS, "rm /big; sync; echo fits > /more && cat /more", output, sizeof output);
    CHECK_TEXT(output, "fits");
    set_state(DESIRED_STOPPED, PHASE_STOPPED);
    set_state(DESIRED_RUNNING, PHASE_RUNNING);
    written = write_mb(HERS, 900, 200);
    CHECK(written > 80 && written <= 124);
}

/* More of it, while it runs: what writes goes on. */
static void test_a_disk_grows_under_its_programs(void **state)
{
    struct market_report before, after;
    char output[256] = "";

    (void)state;
    CHECK(market_report(host_market, HERS, &before));
    check_is_full();
    both[0].grown_gb = 2;
    market_want(host_market, both, 2);
    for (int i = 0; i < 200 && strcmp(output, "x") != 0; i++) {
        (void)usleep(100000);
        host_run(HERS, "echo x > /more && cat /more", output, sizeof output);
    }
    CHECK_TEXT(output, "x");
    long long written = write_mb(HERS, 1900, 200);
    CHECK(written > 100 && written <= 148);
    check_is_full();
    CHECK(market_report(host_market, HERS, &after));
    CHECK_TEXT(after.start_token, before.start_token);
    /* The engine gives it the same at its next start. */
    set_state(DESIRED_STOPPED, PHASE_STOPPED);
    set_state(DESIRED_RUNNING, PHASE_RUNNING);
    written = write_mb(HERS, 1900, 200);
    CHECK(written > 100 && written <= 148);
}

/* Every file is a byte of nothing, and takes an inode from everybody. */
static void test_who_uses_up_the_inodes_is_seen(void **state)
{
    struct market_report report;
    char output[256];

    (void)state;
    host_run(HERS,
             "mkdir /f; cd /f; i=0; while [ $i -lt 3000 ]; do : > $i; i=$((i+1)); done; echo y",
             output, sizeof output);
    CHECK_TEXT(output, "y");
    (void)sleep(3);
    /* There are plenty yet: files are worth their bytes. */
    CHECK(used_mb(HERS) < 100);
    host_run(HERS, "cd /f; i=3000; while [ $i -lt 13800 ]; do : > $i; i=$((i+1)); done; echo y",
             output, sizeof output);
    CHECK_TEXT(output, "y");
    for (int i = 0; i < 400 && used_mb(HERS) <= 1024; i++)
        (void)usleep(100000);
    CHECK(market_report(host_market, HERS, &report));
    check_row("%lld MB", (long long)report.disk_used_mb);
    /* 13800 of 128 kB: more than the 1 GB that is rented, by which the server stops it. */
    CHECK(report.disk_used_mb > 1600 && report.disk_used_mb < 1800);
    CHECK(strstr(report.message, "few inodes left") != NULL);
    CHECK(used_mb(OTHER) < 100);
    CHECK(market_report(host_market, OTHER, &report));
    CHECK_TEXT(report.message, "");
    /* Deleting them is all it takes. */
    host_run(HERS, "rm -rf /f; echo y", output, sizeof output);
    for (int i = 0; i < 400 && used_mb(HERS) > 100; i++)
        (void)usleep(100000);
    CHECK(used_mb(HERS) < 100);
}

int main(void)
{
    const struct CMUnitTest by_quota[] = {
        cmocka_unit_test(test_a_full_disk_is_its_renters_alone),
        cmocka_unit_test(test_a_disk_grows_under_its_programs),
    };
    const struct CMUnitTest by_watch[] = {
        cmocka_unit_test(test_who_uses_up_the_inodes_is_seen),
    };

    engine_need("mkfs.btrfs");
    engine_need("mkfs.ext4");
    engine_enter();
    int failed = cmocka_run_group_tests(by_quota, set_up_btrfs, host_teardown);
    return failed + cmocka_run_group_tests(by_watch, set_up_few_inodes, host_teardown);
}
