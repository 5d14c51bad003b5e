/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/update.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/releases.h"
#include "base/encode.h"
#include "base/json.h"
#include "sys/crypto.h"
#include "sys/http_client.h"

enum {
    FETCH_TIMEOUT_MS = 900000, /* for all of it */
    FILE_TIMEOUT_MS = 600000,
    ANSWER_MS = 30000,
    SILENCE_MS = 30000,
    OFFER_MAX = 4 * RELEASE_MANIFEST_MAX,
    URL_SIZE = 1024,
    STATUS_OK = 200,
    STATUS_NOT_FOUND = 404,
};

struct update {
    struct update_options options;
    struct job *job;
    int64_t next_us; /* when to ask */
    int64_t not_taken;
    bool is_ready;
};

/* The child's side */

static bool get(const struct update_options *options, const char *path, int64_t timeout_ms,
                int *ret_status, struct buf *reply, struct error *err)
{
    auto_http_client struct http_client *client = http_client_open(NULL, options->ca_file);
    size_t length = strlen(options->server_url);
    char url[URL_SIZE];

    while (length > 0 && options->server_url[length - 1] == '/')
        length--;
    int written = snprintf(url, sizeof url, "%.*s%s", (int)length, options->server_url, path);
    if (written < 0 || (size_t)written >= sizeof url)
        return error_set(err, ERROR_OUT_OF_RANGE, "the server's URL is too long");
    const struct http_request request = {
        .method = "GET", .url = url, .timeout_ms = timeout_ms, .silence_ms = SILENCE_MS
    };
    return http_client_send(client, &request, ret_status, reply, err);
}

static bool is_above(const struct release *release, const char *version)
{
    struct release_version ours;

    return release_version_parse(version, &ours) &&
           release_version_compare(&release->number, &ours) > 0;
}

/* Whether the newest one is wanted. What is older than we are nobody honest offers: a market that
 * was set back, or somebody with an old signature. */
static bool is_wanted(const struct update_options *options, const struct releases *releases,
                      const struct release *release)
{
    struct releases_state state;

    if (!is_above(release, options->version)) {
        if (strcmp(release->version, options->version) != 0)
            log_write(&options->log, LOG_WARNING, "update refused",
                      "version %s is older than %s, which runs", release->version,
                      options->version);
        return false;
    }
    releases_load(releases, &state);
    return releases_failures(&state, release->version) < RELEASES_TRIES;
}

static bool fetch_file(const struct update_options *options, const struct release *release,
                       int file, struct buf *content, struct error *err)
{
    char path[URL_SIZE / 2];
    int status = 0;

    *content = buf_of((size_t)release->files[file].size);
    (void)snprintf(path, sizeof path, "/agent/v1/release/file?target=%s&version=%s&name=%s",
                   release->target, release->version, release_names[file]);
    if (!get(options, path, FILE_TIMEOUT_MS, &status, content, err))
        return error_context(err, "%s of %s", release_names[file], release->version);
    if (status != STATUS_OK)
        return error_set(err, ERROR_IO, "%s of %s: the server answers %d", release_names[file],
                         release->version, status);
    return releases_check_file(release, file, content, err);
}

static bool fetch_all(const struct update_options *options, const struct releases *releases,
                      const struct release *release, const struct release_offer *offer,
                      struct error *err)
{
    struct buf contents[RELEASE_FILES] = { { 0 } };
    bool is_whole = true;

    for (int i = 0; i < RELEASE_FILES && is_whole; i++)
        is_whole = fetch_file(options, release, i, &contents[i], err);
    if (is_whole)
        is_whole = releases_place(releases, release, offer, contents, err);
    for (int i = 0; i < RELEASE_FILES; i++)
        buf_release(&contents[i]);
    return is_whole;
}

bool update_fetch(const struct update_options *options, char *ret_version, size_t size,
                  struct error *err)
{
    auto_releases struct releases releases = { .dir = -1 };
    auto_buf struct buf reply = buf_of(OFFER_MAX);
    auto_json json_t *root = NULL;
    struct release_offer offer;
    struct release release;
    char path[URL_SIZE / 2];
    int status = 0;

    *ret_version = '\0';
    if (!releases_open(options->data_dir, options->key, &releases, err))
        return false;
    (void)snprintf(path, sizeof path, "/agent/v1/release?target=%s", releases.target);
    if (!get(options, path, ANSWER_MS, &status, &reply, err))
        return false;
    if (status == STATUS_NOT_FOUND)
        return true;
    if (status != STATUS_OK)
        return error_set(err, ERROR_IO, "the server answers %d", status);
    if (!json_parse(reply.bytes, reply.length, &root, err) ||
        !release_offer_decode(root, &offer, err) ||
        !releases_read(&releases, offer.manifest, strlen(offer.manifest), offer.signature, &release,
                       err))
        return false;
    if (!is_wanted(options, &releases, &release))
        return true;
    if (!fetch_all(options, &releases, &release, &offer, err))
        return false;
    (void)snprintf(ret_version, size, "%s", release.version);
    return true;
}

static bool fetch_work(void *context, const struct job_report *report, struct buf *result,
                       struct error *err)
{
    const struct update_options *options = context;
    struct encoder json = encoder_of(result);
    char version[RELEASE_VERSION_SIZE];

    (void)report;
    if (!update_fetch(options, version, sizeof version, err))
        return false;
    encode_text(&json, version);
    return true;
}

/* The agent's side */

static int64_t random_us(int64_t seconds)
{
    uint32_t random;

    crypto_random(&random, sizeof random);
    return (int64_t)(random % (uint32_t)(1000 * seconds)) * US_PER_MS;
}

static void on_fetched(void *context, const struct job_end *end)
{
    struct update *update = context;
    const char *version = end->result != NULL ? json_string_value(end->result) : NULL;

    if (!end->is_done) {
        update->not_taken++;
        log_write(&update->options.log, LOG_WARNING, "update not taken", "%s", end->err.text);
        return;
    }
    if (version == NULL || *version == '\0')
        return;
    log_write(&update->options.log, LOG_INFO, "update taken", "version %s, after %s", version,
              update->options.version);
    update->is_ready = true;
}

struct update *update_open(const struct update_options *options)
{
    struct update *update = calloc(1, sizeof *update);
    int64_t soon_s = options->every_s < UPDATE_SOON_S ? options->every_s : UPDATE_SOON_S;

    assert(options->every_s > 0);
    if (update == NULL)
        abort(); /* As base/buf.h says. */
    update->options = *options;
    update->next_us = loop_now_us(options->loop) + random_us(soon_s);
    return update;
}

void update_close(struct update **update)
{
    if (*update == NULL)
        return;
    job_cancel(&(*update)->job);
    free(*update);
    *update = NULL;
}

void update_numbers(const struct update *update, struct update_numbers *ret)
{
    auto_releases struct releases releases = { .dir = -1 };
    struct releases_state state;
    struct error ignored;

    *ret = (struct update_numbers){ .not_taken = update->not_taken };
    if (!releases_open(update->options.data_dir, update->options.key, &releases, &ignored))
        return;
    releases_load(&releases, &state);
    ret->given_up = (int64_t)releases_given_up(&state);
}

bool update_tend(struct update *update, bool is_connected)
{
    const struct job_spec spec = { .work = fetch_work,
                                   .work_context = &update->options,
                                   .timeout_ms = FETCH_TIMEOUT_MS,
                                   .on_end = on_fetched,
                                   .context = update };
    int64_t every_s = update->options.every_s;
    struct error err;

    if (update->is_ready || !is_connected || update->job != NULL ||
        loop_now_us(update->options.loop) < update->next_us)
        return update->is_ready;
    /* From half to one and a half of it, so that not all hosts ask in one moment. */
    update->next_us =
        loop_now_us(update->options.loop) + every_s * US_PER_SECOND / 2 + random_us(every_s);
    if (!job_start(update->options.loop, &spec, &update->job, &err))
        log_failure(&update->options.log, "update not asked for", &err);
    return false;
}
