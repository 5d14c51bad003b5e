/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/log.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "sys/fd.h"
#include "sys/trace.h"

enum { TEXT_SIZE = 65536 };

/* What the log wrote since the last look. */
static const char *written(int fd, char text[static TEXT_SIZE])
{
    off_t end = lseek(fd, 0, SEEK_CUR);
    ssize_t length = pread(fd, text, TEXT_SIZE - 1, 0);

    CHECK(end >= 0 && length == end);
    text[length] = '\0';
    CHECK(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    return text;
}

static void test_programs_get_one_object_a_line(void **state)
{
    auto_close int fd = memfd_create("log", MFD_CLOEXEC);
    struct log log = { fd, LOG_INFO, false };
    char text[TEXT_SIZE];

    (void)state;
    log_write(&log, LOG_WARNING, "agent lost", "machine %d\n{\"level\":\"info\"}\x1b[2J", 7);
    (void)written(fd, text);
    CHECK(strchr(text, '\n') == text + strlen(text) - 1);
    json_t *line = json_loads(text, 0, NULL);
    CHECK(json_object_size(line) == 4);
    CHECK_TEXT(json_string_value(json_object_get(line, "level")), "warning");
    CHECK_TEXT(json_string_value(json_object_get(line, "event")), "agent lost");
    CHECK_TEXT(json_string_value(json_object_get(line, "detail")),
               "machine 7\n{\"level\":\"info\"}\x1b[2J");
    CHECK_INT((int64_t)strlen(json_string_value(json_object_get(line, "time"))), 27);
    json_decref(line);
}

static void test_eyes_get_one_plain_line(void **state)
{
    auto_close int fd = memfd_create("log", MFD_CLOEXEC);
    struct log log = { fd, LOG_INFO, true };
    char text[TEXT_SIZE];

    (void)state;
    log_write(&log, LOG_INFO, "agent connected", "machine %d, epoch %d", 7, 41);
    (void)written(fd, text);
    for (size_t i = 0; i < sizeof "14:03:22" - 1; i++)
        CHECK(i % 3 == 2 ? text[i] == ':' : text[i] >= '0' && text[i] <= '9');
    CHECK_TEXT(text + sizeof "14:03:22 " - 1, "info    agent connected  machine 7, epoch 41\n");
    log_write(&log, LOG_INFO, "ready", "%s", "");
    CHECK_TEXT(written(fd, text) + sizeof "14:03:22 " - 1, "info    ready\n");
    log_write(&log, LOG_ERROR, "x", "a\nb\x1b[2J\x7f \xc3\xa9");
    CHECK_TEXT(written(fd, text) + sizeof "14:03:22 " - 1,
               "error   x  a\\x0ab\\x1b[2J\\x7f \xc3\xa9\n");
}

static void test_what_is_below_the_level_is_dropped(void **state)
{
    auto_close int fd = memfd_create("log", MFD_CLOEXEC);
    struct log log = { fd, LOG_WARNING, true };
    struct log silent = log_silent();
    char text[TEXT_SIZE];

    (void)state;
    log_write(&log, LOG_DEBUG, "x", "%d", 1);
    log_write(&log, LOG_INFO, "x", "%d", 1);
    CHECK_TEXT(written(fd, text), "");
    log_write(&log, LOG_WARNING, "x", "%d", 1);
    CHECK(*written(fd, text) != '\0');
    log_write(&silent, LOG_ERROR, "x", "%d", 1);
}

static void test_long_details_are_cut_short(void **state)
{
    auto_close int fd = memfd_create("log", MFD_CLOEXEC);
    auto_free char *controls = malloc(100000);
    char text[TEXT_SIZE];

    (void)state;
    CHECK(controls != NULL);
    memset(controls, '\x01', 99999);
    controls[99999] = '\0';
    for (int is_terminal = 0; is_terminal <= 1; is_terminal++) {
        struct log log = { fd, LOG_INFO, is_terminal == 1 };

        log_write(&log, LOG_INFO, "event", "%s", controls);
        (void)written(fd, text);
        CHECK(strlen(text) > 10000 && text[strlen(text) - 1] == '\n');
    }
}

static void test_failures_say_their_code(void **state)
{
    auto_close int fd = memfd_create("log", MFD_CLOEXEC);
    struct log log = { fd, LOG_INFO, true };
    struct error err;
    char text[TEXT_SIZE];

    (void)state;
    (void)error_set(&err, ERROR_CORRUPT, "row 7");
    log_failure(&log, "heartbeat failed", &err);
    CHECK_TEXT(written(fd, text) + sizeof "14:03:22 " - 1,
               "error   heartbeat failed  CORRUPT: row 7\n");
}

/* Each thread has a request of its own, and no line has what was over by then. */
static void test_lines_say_for_which_request(void **state)
{
    auto_close int fd = memfd_create("log", MFD_CLOEXEC);
    struct log programs = { fd, LOG_INFO, false }, eyes = { fd, LOG_INFO, true };
    char text[TEXT_SIZE], longest[TRACE_SIZE + 10];

    (void)state;
    trace_set("abc-1");
    log_write(&programs, LOG_INFO, "event", "%s", "detail");
    CHECK(strstr(written(fd, text), "\"detail\":\"detail\",\"request\":\"abc-1\"}\n") != NULL);
    log_write(&eyes, LOG_INFO, "event", "%s", "detail");
    CHECK_TEXT(written(fd, text) + sizeof "14:03:22 " - 1,
               "info    event  detail  request abc-1\n");
    trace_set(trace_get());
    CHECK_TEXT(trace_get(), "abc-1");
    trace_set(NULL);
    log_write(&programs, LOG_INFO, "event", "%s", "detail");
    CHECK(strstr(written(fd, text), "request") == NULL);
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    trace_set(longest);
    CHECK_INT((int64_t)strlen(trace_get()), TRACE_SIZE - 1);
    trace_set("");
}

static void test_the_environment_sets_the_level(void **state)
{
    static const struct {
        const char *value;
        enum log_level level;
    } rows[] = {
        { "debug", LOG_DEBUG }, { "info", LOG_INFO }, { "warning", LOG_WARNING },
        { "error", LOG_ERROR }, { "loud", LOG_INFO }, { "", LOG_INFO },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("'%s'", rows[i].value);
        CHECK(setenv("BERTH_LOG", rows[i].value, 1) == 0);
        CHECK_INT(log_standard().level_min, rows[i].level);
    }
    CHECK(unsetenv("BERTH_LOG") == 0);
    CHECK_INT(log_standard().level_min, LOG_INFO);
    CHECK_INT(log_standard().fd, STDERR_FILENO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_programs_get_one_object_a_line),
        cmocka_unit_test(test_eyes_get_one_plain_line),
        cmocka_unit_test(test_what_is_below_the_level_is_dropped),
        cmocka_unit_test(test_long_details_are_cut_short),
        cmocka_unit_test(test_failures_say_their_code),
        cmocka_unit_test(test_lines_say_for_which_request),
        cmocka_unit_test(test_the_environment_sets_the_level),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
