/* SPDX-License-Identifier: Apache-2.0 */
/* The program inside a test, and a market that answers it from a table. */

#ifndef BERTH_TEST_CLI_SUPPORT_H
#define BERTH_TEST_CLI_SUPPORT_H

#include <stddef.h>

#include "fake_http.h"

enum { SUPPORT_TEXT_SIZE = 65536 };

struct support_reply {
    const char *request; /* "GET /api/v0/users/current/"; ends a table where NULL */
    int status;
    const char *body; /* may hold one %s: the market's address */
};

/* What came last, for the test to look at. */
struct support_market {
    const struct support_reply *table; /* of every SUPPORT_TEST() at its beginning */
    const struct support_reply *replies;
    struct fake_http *http;
    char url[64];
    char request[1024];           /* method and target */
    char head[4096];              /* of the last request */
    char body[SUPPORT_TEXT_SIZE]; /* of the last request that had one */
    int request_count;
    int busy_count;     /* so many requests are answered 429 first */
    const char *header; /* of every reply, a line without its end; or NULL */
};

/* Sets BERTH_URL, BERTH_API_KEY, HOME and XDG_CONFIG_HOME, the last two to a directory of the
 * test's own that is empty at first. */
void support_open(struct support_market *market, const struct support_reply *replies);
void support_close(struct support_market *market);

/* A test with a market of its own, `market`, whose table its file has set. */
#define SUPPORT_TEST(name)                                                                         \
    cmocka_unit_test_prestate_setup_teardown(name, support_set_up, support_tear_down, &market)
int support_set_up(void **state);
int support_tear_down(void **state);

/* The test's own directory. */
const char *support_dir(void);

struct support_result {
    int status;
    char out[SUPPORT_TEXT_SIZE], notes[SUPPORT_TEXT_SIZE];
};

/* Run `berth` with these words, the last of them NULL. */
void support_run(struct support_result *result, const char *const *words);
/* It printed this. */
void support_has(const struct support_result *result, const char *text);
/* Each of these, ended by NULL, is wrong: it is said, with status 2, before anybody is asked. */
enum { SUPPORT_WORDS = 10 };
void support_wrong_usage(struct support_market *market, const char *const (*rows)[SUPPORT_WORDS],
                         size_t count);

/* These words are wrong usage, and that is what is said of it. */
void support_refuses(const char *const *words, const char *notes);

#define BERTH(result, ...) support_run((result), (const char *const[]){ __VA_ARGS__, NULL })

#endif
