/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "cli/cli.h"
#include "sys/fd.h"

static char dir_path[64];
static struct fake_http *http; /* of the market that is open */

static void answer(void *context, const struct fake_request *request, struct buf *response)
{
    struct support_market *market = context;

    market->request_count++;
    (void)snprintf(market->request, sizeof market->request, "%s %s", request->method,
                   request->target);
    (void)snprintf(market->head, sizeof market->head, "%s", request->head);
    if (request->body_length > 0)
        (void)snprintf(market->body, sizeof market->body, "%s", request->body);
    if (market->busy_count > 0) {
        market->busy_count--;
        static const char body[] = "{\"success\":false,\"msg\":\"Too often.\"}";

        buf_printf(response, "HTTP/1.1 429 X\r\n%s%sContent-Length: %zu\r\n\r\n%s",
                   market->header != NULL ? market->header : "",
                   market->header != NULL ? "\r\n" : "", sizeof body - 1, body);
        return;
    }
    for (const struct support_reply *reply = market->replies; reply->request != NULL; reply++) {
        const char *at = strstr(reply->body, "%s");
        auto_buf struct buf body = buf_of(SUPPORT_TEXT_SIZE);

        if (strcmp(reply->request, market->request) != 0)
            continue;
        buf_printf(&body, "%.*s", at != NULL ? (int)(at - reply->body) : (int)strlen(reply->body),
                   reply->body);
        if (at != NULL)
            buf_printf(&body, "%s%s", market->url, at + 2);
        if (market->header != NULL)
            buf_printf(response, "HTTP/1.1 %d X\r\n%s\r\nContent-Length: %zu\r\n\r\n%s",
                       reply->status, market->header, body.length,
                       body.length > 0 ? body.bytes : "");
        else
            fake_http_reply(response, reply->status, body.length > 0 ? body.bytes : "");
        return;
    }
    fake_http_reply(response, 404, "{\"success\":false,\"error\":\"x\",\"msg\":\"Nothing here.\"}");
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
    (void)status;
    (void)flag;
    (void)walk;
    return remove(path);
}

void support_open(struct support_market *market, const struct support_reply *replies)
{
    *market = (struct support_market){ .table = market->table, .replies = replies };
    market->http = http = fake_http_open(NULL, answer, market);
    (void)snprintf(market->url, sizeof market->url, "http://127.0.0.1:%d",
                   fake_http_port(market->http));
    (void)snprintf(dir_path, sizeof dir_path, "/tmp/berth-cli-%d-XXXXXX", (int)getpid());
    char *made = mkdtemp(dir_path);
    assert(made != NULL);
    int result = setenv("BERTH_URL", market->url, 1) | setenv("BERTH_API_KEY", "key-7", 1) |
                 setenv("XDG_CONFIG_HOME", dir_path, 1) | setenv("HOME", dir_path, 1);
    assert(result == 0);
}

void support_close(struct support_market *market)
{
    fake_http_close(&market->http);
    http = NULL;
    (void)nftw(dir_path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int support_set_up(void **state)
{
    struct support_market *market = *state;

    support_open(market, market->table);
    return 0;
}

int support_tear_down(void **state)
{
    support_close(*state);
    return 0;
}

const char *support_dir(void)
{
    return dir_path;
}

static void read_back(int fd, char text[static SUPPORT_TEXT_SIZE])
{
    ssize_t length = pread(fd, text, SUPPORT_TEXT_SIZE - 1, 0);

    assert(length >= 0);
    text[length] = '\0';
}

void support_run(struct support_result *result, const char *const *words)
{
    auto_close int out = memfd_create("out", MFD_CLOEXEC);
    auto_close int notes = memfd_create("notes", MFD_CLOEXEC);

    fake_http_meet(http);
    result->status = cli_main(words, out, notes);
    fake_http_meet(http);
    read_back(out, result->out);
    read_back(notes, result->notes);
}

void support_has(const struct support_result *result, const char *text)
{
    check_row("%s in\n%s", text, result->out);
    CHECK(strstr(result->out, text) != NULL);
}

void support_refuses(const char *const *words, const char *notes)
{
    static struct support_result result; /* large */

    support_run(&result, words);
    CHECK_TEXT(result.notes, notes);
    CHECK_INT(result.status, 2);
    CHECK_TEXT(result.out, "");
}

void support_wrong_usage(struct support_market *market, const char *const (*rows)[SUPPORT_WORDS],
                         size_t count)
{
    static struct support_result result; /* large */
    int before = market->request_count;

    for (size_t i = 0; i < count; i++) {
        check_row("row %zu", i);
        support_run(&result, rows[i]);
        CHECK_INT(result.status, 2);
    }
    CHECK_INT(market->request_count, before);
}
