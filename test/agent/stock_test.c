/* SPDX-License-Identifier: Apache-2.0 */
/* What a host tells of its images, with an engine that says what a case wants. */
#include "agent/stock.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "support_home.h"
#include "support_scripted.h"

enum { PATIENCE_MS = 10000, STEP_MS = 10 };

static struct loop *loop;
static struct web *web;
static struct scripted *scripted;
static struct stock *stock;
static const char *images_text;
static int asks;

static bool respond(void *context, int fd, const struct http_got *request)
{
    (void)context;
    (void)request;
    asks++;
    return scripted_say(fd, 200, images_text);
}

static bool is_secret(void *context, const char *image)
{
    (void)context;
    return strcmp(image, "registry.example/secret:1") == 0;
}

static void step(int64_t ms)
{
    for (int64_t until_us = loop_now_us(loop) + ms * US_PER_MS; loop_now_us(loop) < until_us;)
        loop_step(loop, STEP_MS);
}

static void begin(int dir, const char *socket)
{
    struct stock_options options = { .loop = loop,
                                     .web = web,
                                     .engine_socket = socket,
                                     .dir = dir,
                                     .log = log_silent(),
                                     .is_secret = is_secret };

    stock = stock_open(&options);
    for (int before = asks, i = 0; asks == before && i < PATIENCE_MS / STEP_MS; i++)
        step(STEP_MS);
    step(20 * STEP_MS);
}

static struct heartbeat fill(struct arena *arena)
{
    struct heartbeat heartbeat = { 0 };

    stock_fill(stock, arena, &heartbeat);
    return heartbeat;
}

static void test_it_tells_what_is_there_and_what_it_took(void **state)
{
    auto_arena struct arena arena = arena_of(1 << 20);
    char socket[256];
    int dir = home_identity()->dir;

    (void)state;
    (void)snprintf(socket, sizeof socket, "%s/engine", home_path());
    loop = loop_open(&clock_system);
    web = web_open(loop);
    scripted = scripted_open(loop, socket, respond, NULL);
    images_text = "[{\"RepoTags\":[\"ubuntu:22.04\",\"docker.io/library/ubuntu:22.04\"]},"
                  "{\"RepoTags\":null},{\"RepoTags\":[\"<none>:<none>\"]},"
                  "{\"RepoTags\":[\"registry.example/secret:1\"]},"
                  "{\"RepoTags\":[\"berth-holder:1\"]},{\"RepoTags\":[\"a/b:2\"]}]";
    begin(dir, socket);
    struct heartbeat heartbeat = fill(&arena);
    CHECK(heartbeat.has_images);
    CHECK_INT(heartbeat.pull_rate, -1);
    CHECK_INT(heartbeat.start_ms, -1);
    CHECK_INT(heartbeat.image_count, 2);
    CHECK_TEXT(heartbeat.images[0].name, "a/b:2");
    CHECK_TEXT(heartbeat.images[1].name, "ubuntu:22.04");
    CHECK_INT(heartbeat.images[1].pull_bytes, -1);

    /* Until the server was reached it is told again; then no more, until there is news. */
    CHECK(fill(&arena).has_images);
    stock_told(stock);
    CHECK(!fill(&arena).has_images);
    stock_pulled(stock, "ubuntu:22.04", &(struct pull_measure){ 999999, 1000000, true });
    CHECK(!fill(&arena).has_images); /* too small to say anything */
    stock_pulled(stock, "ubuntu:22.04", &(struct pull_measure){ 8000000, 2000000, true });
    stock_pulled(stock, "a/b:2", &(struct pull_measure){ 4000000, 1000000, false });
    stock_started(stock, 900);
    heartbeat = fill(&arena);
    CHECK(heartbeat.has_images);
    CHECK_INT(heartbeat.pull_rate, 4000000);
    CHECK_INT(heartbeat.start_ms, 900);
    CHECK_INT(heartbeat.images[0].pull_bytes, -1); /* some of it was here before */
    CHECK_INT(heartbeat.images[1].pull_bytes, 8000000);
    stock_close(&stock);

    /* What was measured outlives the agent. What is no longer there is no longer told. */
    images_text = "[{\"RepoTags\":[\"ubuntu:22.04\"]}]";
    begin(dir, socket);
    heartbeat = fill(&arena);
    CHECK_INT(heartbeat.image_count, 1);
    CHECK_INT(heartbeat.pull_rate, 4000000);
    CHECK_INT(heartbeat.images[0].pull_bytes, 8000000);
    stock_close(&stock);

    images_text = "no list";
    begin(dir, socket);
    CHECK(!fill(&arena).has_images);
    stock_close(&stock);
    scripted_close(&scripted);
    web_close(&web);
    loop_close(&loop);
}

static void test_names_are_few_and_each_once(void **state)
{
    auto_arena struct arena arena = arena_of(1 << 20);
    auto_buf struct buf text = buf_of(1 << 16);
    auto_json json_t *root = NULL;
    struct error err;
    size_t count;

    (void)state;
    buf_printf(&text, "[{\"RepoTags\":[\"same:1\"]}");
    for (int i = 0; i < 2 * HEARTBEAT_IMAGES_MAX; i++)
        buf_printf(&text, ",{\"RepoTags\":[\"image-%d:1\",\"same:1\"]}", i);
    buf_printf(&text, "]");
    CHECK_OK(json_parse(text.bytes, text.length, &root, &err), &err);
    const char **names = stock_names(root, &arena, &count);
    CHECK(count > 1 && count <= HEARTBEAT_IMAGES_MAX);
    for (size_t i = 1; i < count; i++)
        CHECK(strcmp(names[i - 1], names[i]) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_it_tells_what_is_there_and_what_it_took, home_setup,
                                        home_teardown),
        cmocka_unit_test(test_names_are_few_and_each_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
