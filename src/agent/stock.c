/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/stock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/docker.h"
#include "agent/holder.h"
#include "base/encode.h"
#include "market/image.h"
#include "market/image_start.h"
#include "sys/file.h"

enum {
    ASK_EVERY_MS = 60000,
    TELL_EVERY_MS = 600000,
    ASK_SOON_MS = 500,
    ANSWER_MS = 20000,
    MEASURED_BYTES_MIN = 1000000, /* a smaller pull is all round trips */
    FILE_MAX = 128 * 1024,
};

struct pulled {
    char image[IMAGE_TEXT_SIZE];
    int64_t bytes;
};

struct stock {
    struct stock_options options;
    struct loop_timer *timer;
    struct web_call *call;
    size_t count; /* of what the engine holds */
    char (*names)[IMAGE_TEXT_SIZE];
    size_t pulled_count, pulled_next; /* the one that makes way for another */
    struct pulled *pulled;
    int64_t pull_rate, start_ms; /* -1: not measured */
    bool is_known;               /* the engine has answered */
    bool has_news, is_sent;
    bool is_unsaved; /* something that was measured */
    int64_t told_us;
};

static bool is_fit(const char *text, struct image *image)
{
    struct error ignored;

    return text != NULL && strcmp(text, HOLDER_IMAGE) != 0 && image_parse(text, image, &ignored);
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

const char **stock_names(const json_t *root, struct arena *arena, size_t *ret_count)
{
    const char **names = arena_alloc(arena, HEARTBEAT_IMAGES_MAX, sizeof *names);
    size_t count = 0, i, k;
    json_t *item, *tag;

    *ret_count = 0;
    if (names == NULL)
        return NULL;
    json_array_foreach(root, i, item)
    {
        json_array_foreach(json_object_get(item, "RepoTags"), k, tag)
        {
            char text[IMAGE_TEXT_SIZE];
            struct image image;

            if (count == HEARTBEAT_IMAGES_MAX || !is_fit(json_string_value(tag), &image))
                continue;
            names[count] = arena_text(arena, image_name(&image, text));
            if (names[count] != NULL)
                count++;
        }
    }
    qsort(names, count, sizeof *names, compare_names);
    for (i = 0; i < count; i++) {
        if (*ret_count == 0 || strcmp(names[*ret_count - 1], names[i]) != 0)
            names[(*ret_count)++] = names[i];
    }
    return names;
}

/* What was measured */

static struct pulled *find_pulled(const struct stock *stock, const char *name)
{
    for (size_t i = 0; i < stock->pulled_count; i++) {
        if (strcmp(stock->pulled[i].image, name) == 0)
            return &stock->pulled[i];
    }
    return NULL;
}

static void put_pulled(struct stock *stock, const char *name, int64_t bytes)
{
    struct pulled *pulled = find_pulled(stock, name);

    if (pulled == NULL) {
        pulled = &stock->pulled[stock->pulled_next];
        stock->pulled_next = (stock->pulled_next + 1) % HEARTBEAT_IMAGES_MAX;
        if (stock->pulled_count < HEARTBEAT_IMAGES_MAX)
            stock->pulled_count++;
    }
    (void)snprintf(pulled->image, sizeof pulled->image, "%s", name);
    pulled->bytes = bytes;
}

/* Nobody waits for it: what a crash takes away is measured anew. */
static void save(struct stock *stock)
{
    auto_buf struct buf text = buf_of(FILE_MAX);
    struct encoder json = encoder_of(&text);
    struct error err;

    if (!stock->is_unsaved)
        return;
    stock->is_unsaved = false;
    encode_object(&json);
    encode_field_int(&json, "pull_rate", stock->pull_rate);
    encode_field_int(&json, "start_ms", stock->start_ms);
    encode_key(&json, "pulled");
    encode_object(&json);
    for (size_t i = 0; i < stock->pulled_count; i++)
        encode_field_int(&json, stock->pulled[i].image, stock->pulled[i].bytes);
    encode_end(&json);
    encode_end(&json);
    if (text.has_overflowed ||
        !file_replace(stock->options.dir, "stock.json", 0600, text.bytes, text.length, &err))
        log_write(&stock->options.log, LOG_WARNING, "stock not saved", "measured anew next time");
}

static void load(struct stock *stock)
{
    auto_buf struct buf text = buf_of(FILE_MAX);
    auto_json json_t *root = NULL;
    struct json_bounds bounds = { -1, INT64_MAX };
    int64_t pull_rate, start_ms;
    struct error ignored;
    const char *name;
    json_t *bytes;

    if (!file_read(stock->options.dir, "stock.json", &text, &ignored) || text.length == 0 ||
        !json_parse(text.bytes, text.length, &root, &ignored) ||
        !json_need_int(root, "pull_rate", bounds, &pull_rate, &ignored) ||
        !json_need_int(root, "start_ms", bounds, &start_ms, &ignored))
        return;
    stock->pull_rate = pull_rate;
    stock->start_ms = start_ms;
    json_object_foreach(json_object_get(root, "pulled"), name, bytes)
    {
        if (json_is_integer(bytes) && json_integer_value(bytes) >= 0 &&
            strlen(name) < IMAGE_TEXT_SIZE)
            put_pulled(stock, name, json_integer_value(bytes));
    }
}

void stock_pulled(struct stock *stock, const char *image, const struct pull_measure *measure)
{
    char name[IMAGE_TEXT_SIZE];
    struct image parsed;

    if (measure->bytes < MEASURED_BYTES_MIN || measure->us <= 0 || !is_fit(image, &parsed))
        return;
    __int128 rate = (__int128)measure->bytes * US_PER_SECOND / measure->us;
    if (rate < 1 || rate > INT64_MAX)
        return;
    stock->pull_rate = image_start_mean(stock->pull_rate, (int64_t)rate);
    if (measure->is_whole)
        put_pulled(stock, image_name(&parsed, name), measure->bytes);
    stock->has_news = stock->is_unsaved = true;
}

void stock_started(struct stock *stock, int64_t ms)
{
    bool is_first = stock->start_ms < 0;

    stock->start_ms = image_start_mean(stock->start_ms, ms);
    stock->has_news = stock->has_news || is_first;
    stock->is_unsaved = true;
}

/* What is there */

static bool is_same(const struct stock *stock, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count && i < stock->count; i++) {
        if (strcmp(stock->names[i], names[i]) != 0)
            return false;
    }
    return stock->is_known && count == stock->count;
}

static void take(struct stock *stock, const json_t *root)
{
    auto_arena struct arena arena = arena_of(HEARTBEAT_IMAGES_MAX * 2 * IMAGE_TEXT_SIZE);
    size_t count = 0;
    const char **names = stock_names(root, &arena, &count);

    if (is_same(stock, names, count))
        return;
    for (size_t i = 0; i < count; i++)
        (void)snprintf(stock->names[i], IMAGE_TEXT_SIZE, "%s", names[i]);
    stock->count = count;
    stock->is_known = stock->has_news = true;
}

static void on_images(void *context, const struct web_answer *answer)
{
    struct stock *stock = context;
    auto_json json_t *root = NULL;
    struct error ignored;

    if (answer->is_answered && answer->status == 200 &&
        json_parse(answer->body, answer->length, &root, &ignored) && json_is_array(root))
        take(stock, root);
}

static void on_time(void *context)
{
    struct stock *stock = context;

    loop_timer_set(stock->timer, ASK_EVERY_MS);
    save(stock);
    if (stock->call != NULL)
        return;
    web_send(
        stock->options.web,
        &(struct web_request){
            .http = { .method = "GET", .url = DOCKER_URL "/images/json", .timeout_ms = ANSWER_MS },
            .unix_socket = stock->options.engine_socket,
            .reply_max = DOCKER_REPLY_MAX,
            .on_done = on_images,
            .context = stock },
        &stock->call);
}

void stock_refresh(struct stock *stock)
{
    loop_timer_hurry(stock->timer, ASK_SOON_MS);
}

void stock_fill(struct stock *stock, struct arena *arena, struct heartbeat *heartbeat)
{
    bool is_due = loop_now_us(stock->options.loop) - stock->told_us >= TELL_EVERY_MS * US_PER_MS;

    if (!stock->is_known || !(stock->has_news || is_due))
        return;
    heartbeat->images = arena_alloc(arena, stock->count, sizeof *heartbeat->images);
    if (heartbeat->images == NULL)
        return;
    heartbeat->has_images = true;
    heartbeat->pull_rate = stock->pull_rate;
    heartbeat->start_ms = stock->start_ms;
    for (size_t i = 0; i < stock->count; i++) {
        const struct pulled *pulled = find_pulled(stock, stock->names[i]);
        const char *name = arena_text(arena, stock->names[i]);

        if (name == NULL || stock->options.is_secret(stock->options.context, stock->names[i]))
            continue;
        heartbeat->images[heartbeat->image_count++] =
            (struct host_image){ name, pulled != NULL ? pulled->bytes : -1 };
    }
    stock->is_sent = true;
}

void stock_told(struct stock *stock)
{
    if (!stock->is_sent)
        return;
    stock->is_sent = stock->has_news = false;
    stock->told_us = loop_now_us(stock->options.loop);
}

struct stock *stock_open(const struct stock_options *options)
{
    struct stock *stock = calloc(1, sizeof *stock);

    if (stock == NULL)
        abort();
    stock->options = *options;
    stock->names = calloc(HEARTBEAT_IMAGES_MAX, sizeof *stock->names);
    stock->pulled = calloc(HEARTBEAT_IMAGES_MAX, sizeof *stock->pulled);
    if (stock->names == NULL || stock->pulled == NULL)
        abort();
    stock->pull_rate = stock->start_ms = -1;
    load(stock);
    stock->timer = loop_timer(options->loop, on_time, stock);
    loop_timer_set(stock->timer, ASK_SOON_MS);
    return stock;
}

void stock_close(struct stock **stock)
{
    struct stock *old = *stock;

    if (old == NULL)
        return;
    save(old);
    web_cancel(&old->call);
    loop_timer_close(&old->timer);
    free(old->names);
    free(old->pulled);
    free(old);
    *stock = NULL;
}
