/* SPDX-License-Identifier: Apache-2.0 */
#include "server/site.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "support.h"
#include "sys/file.h"

enum { PATH_SIZE = 256 };

static char folder[64];
static struct site *site;

static void put(const char *name, const void *bytes, size_t length)
{
    char path[PATH_SIZE];
    struct error err;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    CHECK_OK(file_replace(AT_FDCWD, path, 0644, bytes, length, &err), &err);
}

static void put_text(const char *name, const char *bytes)
{
    put(name, bytes, strlen(bytes));
}

static void make_folder(const char *name)
{
    char path[PATH_SIZE];
    struct error err;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    CHECK_OK(file_make_dir(path, 0755, &err), &err);
}

static void answer(void *context, struct http_exchange *exchange)
{
    (void)context;
    if (!site_answer(site, exchange))
        http_reply_static(exchange, 404, "text/plain", "none", 4);
}

static void serve(void)
{
    struct http_options options = options_of_tests();

    options.handler = answer;
    server_open(&options);
}

static int setup(void **state)
{
    char link[PATH_SIZE];
    struct error err;

    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/berth-site-%d-XXXXXX", (int)getpid());
    CHECK(mkdtemp(folder) != NULL);
    make_folder("assets");
    make_folder("assets/deep");
    put_text("index.html", "<!doctype html><p>the page");
    put_text("icon.svg", "<svg/>");
    put_text("assets/app-1a2b.js", "plain script");
    put_text("assets/app-1a2b.js.gz", "packed script");
    put("assets/deep/dot-3c.bin", "a\0b", 3);
    put_text("empty.txt", "");
    put_text(".secret.txt", "hidden");
    (void)snprintf(link, sizeof link, "%s/link.txt", folder);
    CHECK(symlink("/etc/passwd", link) == 0);
    CHECK_OK(site_open(folder, &site, &err), &err);
    serve();
    return 0;
}

static int remove_entry(const char *path, const struct stat *about, int type, struct FTW *where)
{
    (void)about;
    (void)type;
    (void)where;
    return remove(path);
}

static int teardown(void **state)
{
    (void)server_teardown(state);
    site_close(&site);
    return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static int get(const char *method, const char *path, const char *headers)
{
    auto_buf struct buf request = buf_of(4096);

    buf_printf(&request, "%s %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n%s\r\n", method, path,
               headers);
    return ask(request.bytes);
}

static void test_files_come_with_their_kind(void **state)
{
    static const struct {
        const char *path, *type, *part;
    } rows[] = {
        { "/", "text/html; charset=utf-8", "the page" },
        { "/index.html", "text/html; charset=utf-8", "the page" },
        { "/icon.svg", "image/svg+xml", "<svg/>" },
        { "/assets/app-1a2b.js", "text/javascript; charset=utf-8", "plain script" },
        { "/assets/deep/dot-3c.bin", "application/octet-stream", "Content-Length: 3\r\n" },
        { "/empty.txt", "text/plain; charset=utf-8", "Content-Length: 0\r\n" },
        { "/instances", "text/html; charset=utf-8", "the page" },
        { "/instances/7?tab=log", "text/html; charset=utf-8", "the page" },
    };

    (void)state;
    CHECK(site_count(site) == 6);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char type[128];

        (void)snprintf(type, sizeof type, "\r\nContent-Type: %s\r\n", rows[i].type);
        CHECK(get("GET", rows[i].path, "") == 200);
        CHECK(says(type));
        CHECK(says(rows[i].part));
    }
}

static void test_nothing_else_is_there(void **state)
{
    static const char *const paths[] = {
        "/../etc/passwd",         "/assets/../../etc/passwd",
        "/%2e%2e/etc/passwd.txt", "/assets/none-1.js",
        "/.secret.txt",           "/link.txt",
        "/assets/deep/none.js",   "/index.html.bak",
        "/assets%2fapp-1a2b.js.",
    };

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        int status = get("GET", paths[i], "");

        CHECK(status == 404 || status == 400 || (status == 200 && says("the page")));
        CHECK(!says("root:") && !says("hidden"));
    }
    CHECK(get("GET", "/assets/none-1.js", "") == 404);
    CHECK(get("GET", "/link.txt", "") == 404);
    CHECK(get("GET", "/.secret.txt", "") == 404);
}

static void test_pages_run_nothing_but_our_scripts(void **state)
{
    static const char *const paths[] = { "/", "/assets/app-1a2b.js", "/icon.svg" };

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        CHECK(get("GET", paths[i], "") == 200);
        CHECK(says("\r\nContent-Security-Policy: default-src 'none'; script-src 'self';"));
        CHECK(says("frame-ancestors 'none'"));
        CHECK(!says("unsafe"));
        CHECK(says("\r\nX-Content-Type-Options: nosniff\r\n"));
        CHECK(says("\r\nReferrer-Policy: same-origin\r\n"));
    }
}

static void test_what_has_a_hash_in_its_name_is_kept(void **state)
{
    (void)state;
    CHECK(get("GET", "/assets/app-1a2b.js", "") == 200);
    CHECK(says("\r\nCache-Control: public, max-age=31536000, immutable\r\n"));
    CHECK(!says("no-store"));
    CHECK(get("GET", "/", "") == 200);
    CHECK(says("\r\nCache-Control: no-cache\r\n"));
    CHECK(!says("no-store"));
    CHECK(get("GET", "/icon.svg", "") == 200);
    CHECK(says("\r\nCache-Control: no-cache\r\n"));
}

static void test_who_takes_gzip_gets_it(void **state)
{
    (void)state;
    CHECK(get("GET", "/assets/app-1a2b.js", "Accept-Encoding: br, gzip\r\n") == 200);
    CHECK(says("\r\nContent-Encoding: gzip\r\n"));
    CHECK(says("\r\nContent-Type: text/javascript; charset=utf-8\r\n"));
    CHECK(says("packed script"));
    CHECK(says("\r\nVary: Accept-Encoding\r\n"));
    CHECK(get("GET", "/assets/app-1a2b.js", "Accept-Encoding: gzip;q=0\r\n") == 200);
    CHECK(!says("Content-Encoding"));
    CHECK(says("plain script"));
    CHECK(get("GET", "/icon.svg", "Accept-Encoding: gzip\r\n") == 200);
    CHECK(!says("Content-Encoding"));
}

/* The tag of the last answer, with its quotes. */
static void read_tag(char tag[static 64])
{
    const char *found = strstr(text, "\r\nETag: ");

    CHECK(found != NULL);
    found += sizeof "\r\nETag: " - 1;
    (void)snprintf(tag, 64, "%.*s", (int)strcspn(found, "\r"), found);
}

static void test_what_is_the_same_is_not_sent_again(void **state)
{
    char tag[64], packed[64], header[256];

    (void)state;
    CHECK(get("GET", "/assets/app-1a2b.js", "") == 200);
    read_tag(tag);
    CHECK(get("GET", "/assets/app-1a2b.js", "Accept-Encoding: gzip\r\n") == 200);
    read_tag(packed);
    CHECK(strcmp(tag, packed) != 0);
    (void)snprintf(header, sizeof header, "If-None-Match: \"other\", W/%s\r\n", tag);
    CHECK(get("GET", "/assets/app-1a2b.js", header) == 304);
    CHECK(!says("plain script"));
    CHECK(says("immutable"));
    (void)snprintf(header, sizeof header, "If-None-Match: %s\r\n", packed);
    CHECK(get("GET", "/assets/app-1a2b.js", header) == 200);
    CHECK(get("GET", "/", "If-None-Match: *\r\n") == 304);
    CHECK(get("GET", "/", "If-None-Match: \"\"\r\n") == 200);
}

static void test_heads_have_no_bodies(void **state)
{
    (void)state;
    CHECK(get("HEAD", "/", "") == 200);
    CHECK(says("\r\nContent-Length: 26\r\n"));
    CHECK(!says("the page"));
}

static void test_without_a_console_the_page_says_so(void **state)
{
    struct error err;

    (void)server_teardown(state);
    site_close(&site);
    /* Beside this test's program there is none. */
    CHECK_OK(site_open(NULL, &site, &err), &err);
    serve();
    if (site_count(site) > 0)
        return;
    CHECK(get("GET", "/", "") == 200);
    CHECK(says("make console"));
    CHECK(says("\r\nContent-Security-Policy: default-src 'none';"));
    CHECK(get("GET", "/instances", "") == 404);
}

static void check_refused(enum error_code code, const char *part)
{
    struct site *other = NULL;
    struct error err;

    CHECK(!site_open(folder, &other, &err));
    CHECK(other == NULL);
    CHECK(err.code == code);
    if (strstr(err.text, part) == NULL)
        fail_msg("%s", err.text);
}

static void test_a_folder_that_is_named_must_be_whole(void **state)
{
    char long_name[SITE_NAME_MAX + 1], path[PATH_SIZE];
    struct site *other = NULL;
    struct error err;

    (void)state;
    CHECK(!site_open("/none/such", &other, &err));
    CHECK(err.code == ERROR_NOT_FOUND);
    (void)snprintf(path, sizeof path, "%s/index.html", folder);
    CHECK(unlink(path) == 0);
    check_refused(ERROR_NOT_FOUND, "make console");
    put_text("index.html", "back");
    memset(long_name, 'x', sizeof long_name - 2);
    long_name[SITE_NAME_MAX - 1] = '\0'; /* with its slash one byte too long */
    put_text(long_name, "");
    check_refused(ERROR_OUT_OF_RANGE, "too long");
    (void)snprintf(path, sizeof path, "%s/%s", folder, long_name);
    CHECK(unlink(path) == 0);
    long_name[SITE_NAME_MAX - 2] = '\0';
    put_text(long_name, "");
    CHECK_OK(site_open(folder, &other, &err), &err);
    site_close(&other);
    make_folder("assets/deep/deeper");
    check_refused(ERROR_OUT_OF_RANGE, "folders deep");
}

#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(test_files_come_with_their_kind),
        WITH_SITE(test_nothing_else_is_there),
        WITH_SITE(test_pages_run_nothing_but_our_scripts),
        WITH_SITE(test_what_has_a_hash_in_its_name_is_kept),
        WITH_SITE(test_who_takes_gzip_gets_it),
        WITH_SITE(test_what_is_the_same_is_not_sent_again),
        WITH_SITE(test_heads_have_no_bodies),
        WITH_SITE(test_without_a_console_the_page_says_so),
        WITH_SITE(test_a_folder_that_is_named_must_be_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
