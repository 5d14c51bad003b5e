/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/key_turn.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/key_age.h"
#include "agent/link_retry.h"
#include "base/buf.h"
#include "base/hex.h"
#include "sys/fd.h"
#include "sys/file.h"

enum {
    AGE_FILE_MAX = 256,
    AGE_SAVE_US = 3600 * 1000000L,
    RETRY_US = 60 * 1000000L,     /* what was not answered */
    REFUSED_US = 3600 * 1000000L, /* what was refused */
    ASKED_US = 5 * 1000000L,      /* what somebody waits for */
    RETRY_AFTER_MAX_S = 86400,    /* that a server may have us wait */
    ASK_TRIES = 300,
    ASK_WAIT_US = 100000,
    BODY_MAX = 1024,
};

/* Nothing was noted of it: as old as its file. */
static int64_t age_of_file(const struct key_turn *turn)
{
    struct stat status;
    int64_t now_s = clock_now(turn->clock).microseconds / US_PER_SECOND;

    if (fstatat(turn->identity->dir, "machine.key", &status, 0) != 0 || status.st_mtime >= now_s)
        return 0;
    return (now_s - status.st_mtime) * US_PER_SECOND;
}

int64_t key_turn_age_us(const struct key_turn *turn)
{
    return turn->age_us + loop_now_us(turn->loop) - turn->at_us;
}

static void save_age(struct key_turn *turn)
{
    char hex[HEX_SIZE(PUBLIC_KEY_SIZE)];
    auto_buf struct buf text = buf_of(AGE_FILE_MAX);
    struct error err;

    turn->saved_us = loop_now_us(turn->loop);
    buf_printf(&text, "%" PRId64 " %" PRId64 " %s\n", key_turn_age_us(turn) / US_PER_SECOND,
               clock_now(turn->clock).microseconds / US_PER_SECOND,
               hex_format(turn->key, sizeof turn->key, hex));
    if (!file_replace(turn->identity->dir, KEY_AGE_FILE, 0600, text.bytes, text.length, &err))
        log_failure(&turn->log, "the key's age not saved", &err); /* and is again, in an hour */
}

static void set_age(struct key_turn *turn, int64_t age_us)
{
    memcpy(turn->key, turn->identity->keys.public_key, sizeof turn->key);
    turn->age_us = age_us;
    turn->at_us = loop_now_us(turn->loop);
    save_age(turn);
}

void key_turn_open(struct key_turn *turn)
{
    uint8_t key[PUBLIC_KEY_SIZE];
    int64_t age_s;

    if (!key_age_read(turn->identity->dir, clock_now(turn->clock), &age_s, key))
        return set_age(turn, age_of_file(turn));
    bool is_of_it = memcmp(key, turn->identity->keys.public_key, sizeof key) == 0;
    set_age(turn, is_of_it ? age_s * US_PER_SECOND : 0);
}

static bool is_asked(const struct key_turn *turn)
{
    return faccessat(turn->identity->dir, KEY_ASKED_FILE, F_OK, 0) == 0;
}

/* And has not been told yet what came of it. */
static bool is_asked_anew(const struct key_turn *turn)
{
    struct stat status;

    return fstatat(turn->identity->dir, KEY_ASKED_FILE, &status, 0) == 0 && status.st_size == 0;
}

static bool is_early(const struct key_turn *turn, int64_t now_us)
{
    return now_us < turn->retry_us && (now_us - turn->tried_us < ASKED_US || !is_asked_anew(turn));
}

static bool is_due(const struct key_turn *turn)
{
    return turn->identity->has_next || is_asked(turn) ||
           key_turn_age_us(turn) >= key_age_max_us(turn->key, turn->every_us);
}

static void sign(const struct key_pair *keys, const struct buf *text, uint8_t *ret)
{
    struct signature signature = crypto_sign_with(keys, text->bytes, text->length);

    memcpy(ret, signature.bytes, sizeof signature.bytes);
}

static void announce(struct key_turn *turn, struct link *link)
{
    const struct identity *identity = turn->identity;
    auto_buf struct buf text = buf_of(BODY_MAX), body = buf_of(BODY_MAX);
    struct key_request request;

    memcpy(request.public_key, identity->next.public_key, sizeof request.public_key);
    key_signed(&text, identity->machine_id, link_epoch(link), request.public_key);
    sign(&identity->next, &text, request.proof);
    sign(&identity->keys, &text, request.signature);
    key_request_encode(&body, &request);
    turn->tried_us = loop_now_us(turn->loop);
    turn->is_under_way = link_post(link, LINK_POST_KEY, &body);
}

/* The key is another than a second ago, whoever found that out. */
static void note_turned(struct key_turn *turn)
{
    set_age(turn, 0);
    turn->retry_us = 0;
    (void)unlinkat(turn->identity->dir, KEY_ASKED_FILE, 0);
    log_write(&turn->log, LOG_INFO, "key turned", "it signs by another from now on");
}

/* The server knows the one before alone, and hears of its successor again. */
static void note_put_back(struct key_turn *turn)
{
    set_age(turn, 0);
    turn->retry_us = 0;
    log_write(&turn->log, LOG_WARNING, "key before in use",
              "the server knows no later one: was it restored from a backup?");
}

void key_turn_tend(struct key_turn *turn, struct link *link)
{
    int64_t now_us = loop_now_us(turn->loop);
    struct error err;

    if (memcmp(turn->key, turn->identity->keys.public_key, sizeof turn->key) != 0) {
        if (turn->identity->has_next)
            note_put_back(turn);
        else
            note_turned(turn);
    }
    if (now_us - turn->saved_us >= AGE_SAVE_US)
        save_age(turn);
    if (link == NULL || !link_is_connected(link) || turn->is_under_way || is_early(turn, now_us) ||
        !is_due(turn))
        return;
    if (identity_make_next(turn->identity, &err)) {
        announce(turn, link);
        return;
    }
    log_failure(&turn->log, "no new key", &err);
    turn->retry_us = now_us + RETRY_US;
}

/* When it is asked again. */
static int64_t patience_us(const struct web_answer *answer)
{
    if (!answer->is_answered || answer->status < 400 || answer->status >= 500 ||
        answer->status == 409)
        return RETRY_US;
    if (answer->status != 429)
        return REFUSED_US;
    if (answer->retry_after_s > RETRY_AFTER_MAX_S)
        return RETRY_AFTER_MAX_S * US_PER_SECOND;
    int64_t wait_us = answer->retry_after_s * US_PER_SECOND;
    return wait_us > RETRY_US ? wait_us : RETRY_US;
}

/* To the log, and to whoever asked. */
static void tell_why(struct key_turn *turn, const struct web_answer *answer, int64_t wait_us)
{
    char why[KEY_WHY_MAX];
    struct error err;

    link_refusal(answer, why, sizeof why);
    log_write(&turn->log, wait_us > RETRY_US ? LOG_WARNING : LOG_INFO, "key not turned yet",
              "%s; asked again in %" PRId64 " min", why, (wait_us / US_PER_SECOND + 59) / 60);
    if (is_asked(turn) &&
        !file_replace(turn->identity->dir, KEY_ASKED_FILE, 0600, why, strlen(why), &err))
        log_failure(&turn->log, "who asked for another key is not told", &err);
}

void key_turn_posted(struct key_turn *turn, struct link *link, const struct web_answer *answer)
{
    struct error err;

    turn->is_under_way = false;
    if (answer == NULL) /* the session is over: the next one tells */
        return;
    if (answer->is_answered && answer->status == 200) {
        if (!identity_take_next(turn->identity, &err))
            log_failure(&turn->log, "the new key not taken over yet", &err);
        if (!turn->identity->has_next)
            note_turned(turn);
        turn->retry_us = loop_now_us(turn->loop) + (turn->identity->has_next ? RETRY_US : 0);
        link_renew(link);
        return;
    }
    int64_t wait_us = patience_us(answer);
    turn->retry_us = loop_now_us(turn->loop) + wait_us;
    tell_why(turn, answer, wait_us);
}

/* Wait until the agent has done what was asked of it, or has said why not. */
static bool await_turn(FILE *out, int dir, struct error *err)
{
    for (int i = 0; i < ASK_TRIES; i++) {
        auto_buf struct buf why = buf_of(KEY_WHY_MAX);
        struct error failure;

        if (!file_read(dir, KEY_ASKED_FILE, &why, &failure)) {
            if (failure.code != ERROR_NOT_FOUND) {
                *err = failure;
                return error_context(err, "ask for another key");
            }
            (void)fprintf(out, "The key is turned; the one before is good for a day.\n");
            return true;
        }
        if (why.length > 0)
            return error_set(err, ERROR_UNAVAILABLE,
                             "the key is not turned yet, and the agent asks again by itself: %.*s",
                             (int)why.length, why.bytes);
        (void)usleep(ASK_WAIT_US);
    }
    return error_set(err, ERROR_UNAVAILABLE,
                     "the key is not turned yet: the agent's log says why, and it goes on trying");
}

bool key_turn_ask(FILE *out, const char *data_dir, struct error *err)
{
    int64_t machine_id;
    bool is_running;

    if (!identity_peek(data_dir, &machine_id, &is_running, err))
        return false;
    if (machine_id == 0)
        return error_set(err, ERROR_UNAVAILABLE,
                         "this host is not enrolled: it has no key to turn");
    auto_close int dir = open(data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || !file_replace(dir, KEY_ASKED_FILE, 0600, "", 0, err))
        return error_context(err, "ask for another key");
    if (!is_running) {
        (void)fprintf(out, "The agent does not run: the key is turned when it does.\n");
        return true;
    }
    return await_turn(out, dir, err);
}
