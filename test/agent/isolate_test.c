/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/isolate.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "sys/child.h"

/* What nft shows; "" where it refuses. */
static void show(const char *what, struct buf *text)
{
    char command[256];
    const char *const arguments[] = { "sh", "-c", command, NULL };
    struct child_run run = { .arguments = arguments, .timeout_ms = 10000 };
    struct error err;
    int status = -1;

    (void)snprintf(command, sizeof command, "nft list %s", what);
    buf_release(text);
    *text = buf_of(1 << 20);
    CHECK_OK(child_run(&run, text, &status, &err), &err);
    if (status != 0)
        buf_release(text);
    buf_append(text, "", 0);
}

static bool has(const char *what, const char *words)
{
    auto_buf struct buf text = buf_of(1 << 20);

    show(what, &text);
    return text.length > 0 && strstr(text.bytes, words) != NULL;
}

static int raise_loopback(void)
{
    struct child_run run = { .arguments =
                                 (const char *const[]){ "ip", "link", "set", "lo", "up", NULL },
                             .timeout_ms = 10000 };
    auto_buf struct buf output = buf_of(4096);
    struct error err;
    int status = -1;

    return child_run(&run, &output, &status, &err) ? status : -1;
}

static struct isolate isolate_of(const char *host)
{
    struct isolate isolate = { 0 };

    isolate_name(&isolate, host);
    return isolate;
}

static void test_a_guest_is_named_and_forgotten(void **state)
{
    struct isolate isolate = isolate_of("0123456789abcdef0123456789abcdef");
    struct error err;

    (void)state;
    CHECK_TEXT(isolate.table, "berth_0123456789ab");
    CHECK(!isolate_stands(&isolate));
    CHECK_OK(isolate_build(&isolate, &err), &err);
    CHECK(isolate_stands(&isolate));
    for (int again = 0; again < 2; again++) {
        CHECK_OK(isolate_admit(&isolate, 7, &err), &err);
        CHECK_OK(isolate_admit(&isolate, 8191, &err), &err);
        CHECK(has("set inet berth_0123456789ab guests", "\"bt7\""));
        CHECK(has("set inet berth_0123456789ab addresses", "\"bt7\" . 10.200.0.56/29"));
        /* Whoever rebuilds keeps who is inside. */
        CHECK_OK(isolate_build(&isolate, &err), &err);
        CHECK(has("set inet berth_0123456789ab guests", "\"bt8191\""));
    }
    int64_t slots[2];
    size_t count;
    CHECK_OK(isolate_guests(&isolate, slots, 2, &count, &err), &err);
    CHECK_INT((int64_t)count, 2);
    CHECK_INT(slots[0] + slots[1], 7 + 8191);
    for (int again = 0; again < 2; again++) {
        CHECK_OK(isolate_dismiss(&isolate, 7, &err), &err);
        CHECK(!has("set inet berth_0123456789ab guests", "\"bt7\""));
        CHECK(!has("set inet berth_0123456789ab addresses", "\"bt7\""));
    }
    CHECK_OK(isolate_remove(isolate.table, &err), &err);
    CHECK_OK(isolate_remove(isolate.table, &err), &err);
    CHECK(!isolate_stands(&isolate));
    CHECK_FAILS(isolate_admit(&isolate, 7, &err), &err, ERROR_UNAVAILABLE);
}

static void test_two_hosts_do_not_meet(void **state)
{
    struct isolate a = isolate_of("aaaaaaaaaaaaaaaa"), b = isolate_of("bbbbbbbbbbbbbbbb");
    struct error err;

    (void)state;
    CHECK_OK(isolate_build(&a, &err), &err);
    CHECK_OK(isolate_build(&b, &err), &err);
    CHECK_OK(isolate_admit(&a, 1, &err), &err);
    CHECK_OK(isolate_admit(&b, 2, &err), &err);
    CHECK(!has("set inet berth_aaaaaaaaaaaa guests", "\"bt2\""));
    CHECK(!has("set inet berth_bbbbbbbbbbbb guests", "\"bt1\""));
    CHECK_OK(isolate_remove(a.table, &err), &err);
    CHECK(isolate_stands(&b));
    CHECK_OK(isolate_remove(b.table, &err), &err);
}

static void test_limits_can_be_changed_and_lifted(void **state)
{
    struct isolate isolate = isolate_of("cccccccccccccccc");
    struct error err;

    (void)state;
    CHECK_OK(isolate_build(&isolate, &err), &err);
    isolate.up_mbit = 8;
    isolate.down_mbit = ISOLATE_MBIT_MAX;
    CHECK_OK(isolate_admit(&isolate, 3, &err), &err);
    CHECK(has("limit inet berth_cccccccccccc up_bt3", "over 1 mbytes/second") ||
          has("limit inet berth_cccccccccccc up_bt3", "over 1000000 bytes/second"));
    isolate.up_mbit = 80;
    CHECK_OK(isolate_admit(&isolate, 3, &err), &err);
    CHECK(has("limit inet berth_cccccccccccc up_bt3", "over 10000000 bytes/second"));
    isolate.up_mbit = isolate.down_mbit = 0;
    CHECK_OK(isolate_admit(&isolate, 3, &err), &err);
    CHECK(!has("limits", "up_bt3") && !has("limits", "down_bt3"));
    CHECK_OK(isolate_remove(isolate.table, &err), &err);
}

/* Who was cleared away is named again; who is named keeps its limits. */
static void test_ensuring_names_only_who_is_not_named(void **state)
{
    struct isolate isolate = isolate_of("eeeeeeeeeeeeeeee");
    struct error err;

    (void)state;
    CHECK_FAILS(isolate_ensure(&isolate, 3, &err), &err, ERROR_UNAVAILABLE);
    CHECK_OK(isolate_build(&isolate, &err), &err);
    isolate.up_mbit = 80;
    CHECK_OK(isolate_ensure(&isolate, 3, &err), &err);
    CHECK(has("set inet berth_eeeeeeeeeeee guests", "\"bt3\""));
    isolate.up_mbit = 160;
    CHECK_OK(isolate_ensure(&isolate, 3, &err), &err);
    CHECK(has("limit inet berth_eeeeeeeeeeee up_bt3", "over 10000000 bytes/second"));
    CHECK_OK(isolate_dismiss(&isolate, 3, &err), &err);
    CHECK_OK(isolate_ensure(&isolate, 3, &err), &err);
    CHECK(has("limit inet berth_eeeeeeeeeeee up_bt3", "over 20000000 bytes/second"));
    CHECK_OK(isolate_remove(isolate.table, &err), &err);
}

static void test_trying_leaves_nothing(void **state)
{
    auto_buf struct buf text = buf_of(1 << 20);
    struct error err;

    (void)state;
    CHECK_OK(isolate_try(&err), &err);
    show("tables", &text);
    CHECK(text.length == 0 || strstr(text.bytes, "berth_doctor") == NULL);
}

static void test_the_router_and_the_neighbours_are_near(void **state)
{
    struct isolate isolate = isolate_of("dddddddddddddddd");
    struct error err;

    (void)state;
    (void)snprintf(isolate.public_ip, sizeof isolate.public_ip, "198.51.100.7");
    CHECK_OK(isolate_build(&isolate, &err), &err);
    CHECK(has("set inet berth_dddddddddddd near", "198.51.100.7"));
    CHECK(has("set inet berth_dddddddddddd near", "127.0.0.0/8")); /* of lo */
    isolate.public_ip[0] = '\0'; /* the next agent does not know it yet */
    CHECK_OK(isolate_build(&isolate, &err), &err);
    CHECK(has("set inet berth_dddddddddddd near", "198.51.100.7"));
    /* What is no address is left aside, whatever it holds. */
    (void)snprintf(isolate.public_ip, sizeof isolate.public_ip, "}; flush ruleset; #");
    CHECK_OK(isolate_build(&isolate, &err), &err);
    CHECK(!has("set inet berth_dddddddddddd near", "198.51.100.7"));
    CHECK_OK(isolate_remove(isolate.table, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_guest_is_named_and_forgotten),
        cmocka_unit_test(test_two_hosts_do_not_meet),
        cmocka_unit_test(test_limits_can_be_changed_and_lifted),
        cmocka_unit_test(test_ensuring_names_only_who_is_not_named),
        cmocka_unit_test(test_trying_leaves_nothing),
        cmocka_unit_test(test_the_router_and_the_neighbours_are_near),
    };

    (void)setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0 || raise_loopback() != 0) {
        (void)printf("NOT RUN: cannot make a network namespace\n");
        return CHECK_SKIP;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
