/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/copy_carry.h"

#include <errno.h>
#include <libssh/libssh.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "agent/access_login.h"
#include "agent/access_sandbox.h"
#include "agent/copy_key.h"
#include "base/hex.h"
#include "base/parse.h"
#include "sys/copy_secret.h"

enum {
    CHUNK = 64 * 1024,
    SAID_MAX = 4096,  /* the last words for people of each end */
    LOGIN_MS = 90000, /* a stopped instance's files are opened meanwhile */
    SILENCE_MS = 300000,
    SAY_MS = 1000,
    PROGRESS_REACH = 240, /* how far back a line of progress is looked for */
    POLL_MS = 1000,
    GREETING_LENGTH = HEX_SIZE(HASH_SIZE), /* with its newline */
};

/* One end. */
struct end {
    const char *what; /* "the source" */
    int fd;
    ssh_session ssh;
    ssh_channel channel;
    uint8_t bytes[CHUNK]; /* from it, not yet taken by the other */
    size_t at, count;
    bool has_ended;      /* all that it had to give was taken, and the other knows */
    char said[SAID_MAX]; /* its standard error, the end of it */
    size_t said_length;
};

struct carry {
    struct end source, target;
    int64_t moved, began_ms, heard_ms, said_ms;
};

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int fail(const struct end *end, const char *why)
{
    (void)printf("no %s%s%s\n", end != NULL ? end->what : "", end != NULL ? ": " : "", why);
    (void)fflush(stdout);
    return 1;
}

/* The words of one line of progress: bytes, share, speed. */
static bool read_progress(char *line, char *ret, size_t size)
{
    const char *words[3];
    uint64_t percent;
    char *rest = NULL;

    for (size_t i = 0; i < 3; i++) {
        words[i] = strtok_r(i == 0 ? line : NULL, " ", &rest);
        if (words[i] == NULL)
            return false;
    }
    char *sign = strchr(words[1], '%');
    if (sign == NULL || sign[1] != '\0' || strspn(words[0], "0123456789,.") != strlen(words[0]))
        return false;
    *sign = '\0';
    if (!parse_u64(words[1], &percent) || percent > 100)
        return false;
    (void)snprintf(ret, size, "%s %%, %s bytes, %s", words[1], words[0], words[2]);
    return true;
}

bool copy_progress(const char *text, size_t length, char *ret, size_t size)
{
    /* Each begins with a return; the last may not be whole. */
    for (size_t start = length; start > 0 && length - start < PROGRESS_REACH; start--) {
        char line[PROGRESS_REACH];

        if (text[start - 1] != '\r')
            continue;
        (void)snprintf(line, sizeof line, "%.*s", (int)(length - start), text + start);
        if (read_progress(line, ret, size))
            return true;
    }
    return false;
}

static ssh_key key_of(const struct key_pair *keys)
{
    char text[COPY_KEY_PEM_SIZE];
    ssh_key key = NULL;

    copy_key_pem(keys, text);
    if (ssh_pki_import_privkey_base64(text, NULL, NULL, NULL, &key) != SSH_OK)
        key = NULL;
    crypto_wipe(text, sizeof text);
    return key;
}

/* What it says to people: the end of it is kept. */
static void hear(struct end *end)
{
    char bytes[1024];
    int count;

    while ((count = ssh_channel_read_nonblocking(end->channel, bytes, sizeof bytes, 1)) > 0) {
        size_t length = (size_t)count;
        size_t room = SAID_MAX - 1 - end->said_length;

        if (length > room) {
            size_t drop = length - room;

            memmove(end->said, end->said + drop, end->said_length - drop);
            end->said_length -= drop;
        }
        memcpy(end->said + end->said_length, bytes, length);
        end->said_length += length;
    }
}

/* The last whole line for people that is no progress; "" where there is none. */
static void last_words(struct end *end, char *ret, size_t size)
{
    char *line = end->said;

    *ret = '\0';
    end->said[end->said_length] = '\0';
    for (char *at; (at = strsep(&line, "\r\n")) != NULL;) {
        bool is_error = strncmp(at, "rsync", 5) == 0 || strncmp(at, "berth", 5) == 0 ||
                        strncmp(at, "@ERROR", 6) == 0;

        /* The first says what it is; the summary of the end says less. */
        if (is_error && (*ret == '\0' || strncmp(ret, "rsync error", 11) == 0))
            (void)snprintf(ret, size, "%s", at);
    }
    for (char *at = ret; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || (unsigned char)*at == 0x7f)
            *at = '?';
}

static const char NOT_KNOWN[] = "the key of this copy is not known there";

/* Each end's host hears of a copy by itself, and one may be the first. */
static int fail_login(const struct end *end, const char *why)
{
    if (why != NOT_KNOWN)
        return fail(end, why);
    (void)printf("later %s: %s\n", end->what, why);
    (void)fflush(stdout);
    return 1;
}

/* NULL, or why not. */
static const char *log_in(struct end *end, ssh_key key)
{
    const bool no_config = false;
    const int verbosity = SSH_LOG_NOLOG;
    const long timeout_s = LOGIN_MS / 1000;

    end->ssh = ssh_new();
    if (end->ssh == NULL ||
        ssh_options_set(end->ssh, SSH_OPTIONS_PROCESS_CONFIG, &no_config) != SSH_OK ||
        ssh_options_set(end->ssh, SSH_OPTIONS_LOG_VERBOSITY, &verbosity) != SSH_OK ||
        ssh_options_set(end->ssh, SSH_OPTIONS_TIMEOUT, &timeout_s) != SSH_OK ||
        ssh_options_set(end->ssh, SSH_OPTIONS_SSH_DIR, "/") != SSH_OK ||
        ssh_options_set(end->ssh, SSH_OPTIONS_HOST, "instance") != SSH_OK ||
        ssh_options_set(end->ssh, SSH_OPTIONS_USER, LOGIN_COPY_USER) != SSH_OK ||
        ssh_options_set(end->ssh, SSH_OPTIONS_FD, &end->fd) != SSH_OK)
        return "no session";
    if (ssh_connect(end->ssh) != SSH_OK)
        return "no SSH answers there";
    if (ssh_userauth_publickey(end->ssh, NULL, key) != SSH_AUTH_SUCCESS)
        return NOT_KNOWN;
    return NULL;
}

/* Ask for the errand, which one that is stopped takes a while to open its files for; then the
 * greeting, without which it is somebody else. NULL, or why not. */
static const char *begin(struct end *end, const char *greeting)
{
    static char why[COPY_CARRY_LINE_MAX];
    char got[GREETING_LENGTH + 1] = "";

    end->channel = ssh_channel_new(end->ssh);
    if (end->channel == NULL || ssh_channel_open_session(end->channel) != SSH_OK ||
        ssh_channel_request_exec(end->channel, "copy") != SSH_OK)
        return "it does not take the copy";
    for (size_t length = 0; length < GREETING_LENGTH;) {
        int count = ssh_channel_read_timeout(end->channel, got + length,
                                             (uint32_t)(GREETING_LENGTH - length), 0, LOGIN_MS);
        if (count <= 0) {
            hear(end);
            last_words(end, why, sizeof why);
            return *why != '\0' ? why : "it does not open its files";
        }
        length += (size_t)count;
    }
    got[GREETING_LENGTH - 1] = '\0';
    if (!crypto_equal(got, greeting, GREETING_LENGTH))
        return "what answers is not the instance's host";
    ssh_set_blocking(end->ssh, 0);
    return NULL;
}

/* Whether anything moved. */
static bool move(struct end *from, struct end *to, int64_t *moved)
{
    bool has_moved = false;

    if (from->at == from->count && !from->has_ended) {
        int count = ssh_channel_read_nonblocking(from->channel, from->bytes, CHUNK, 0);

        from->at = 0;
        from->count = count > 0 ? (size_t)count : 0;
        has_moved = count > 0;
        if (count == SSH_ERROR || (count <= 0 && ssh_channel_is_eof(from->channel))) {
            from->has_ended = true;
            (void)ssh_channel_send_eof(to->channel);
            return true;
        }
    }
    uint32_t window = ssh_channel_window_size(to->channel);
    if (from->at < from->count && window > 0 &&
        (ssh_get_status(to->ssh) & SSH_WRITE_PENDING) == 0) {
        size_t length = from->count - from->at < window ? from->count - from->at : window;
        int put = ssh_channel_write(to->channel, from->bytes + from->at, (uint32_t)length);

        if (put < 0)
            put = (int)length; /* it is ending, and says why by itself */
        from->at += (size_t)put;
        *moved += put;
        has_moved = has_moved || put > 0;
    }
    return has_moved;
}

static void say(struct carry *carry)
{
    char text[COPY_CARRY_LINE_MAX];

    if (now_ms() - carry->said_ms < SAY_MS)
        return;
    carry->said_ms = now_ms();
    if (copy_progress(carry->target.said, carry->target.said_length, text, sizeof text))
        (void)printf("= %s\n", text);
    else
        (void)printf("= %lld bytes so far\n", (long long)carry->moved);
    (void)fflush(stdout);
}

static void wait_for_more(const struct carry *carry)
{
    const struct end *ends[] = { &carry->source, &carry->target };
    struct pollfd ready[2];

    for (int i = 0; i < 2; i++) {
        bool has_output = (ssh_get_status(ends[i]->ssh) & SSH_WRITE_PENDING) != 0;

        ready[i] = (struct pollfd){ .fd = ends[i]->fd,
                                    .events = (short)(has_output ? POLLIN | POLLOUT : POLLIN) };
    }
    (void)poll(ready, 2, POLL_MS);
}

/* rsync's client does not hear how the other side ended: that has to be asked, too. */
static int conclude(struct carry *carry)
{
    int given = ssh_channel_get_exit_status(carry->source.channel);
    int taken = ssh_channel_get_exit_status(carry->target.channel);
    int status = taken != 0 ? taken : given;
    char words[COPY_CARRY_LINE_MAX], text[COPY_CARRY_LINE_MAX];
    int64_t seconds = (now_ms() - carry->began_ms + 500) / 1000;

    if (status == 0) {
        if (!copy_progress(carry->target.said, carry->target.said_length, text, sizeof text))
            (void)snprintf(text, sizeof text, "done");
        const char *bytes = strchr(text, ',');

        (void)printf("ok done%s in %lld s\n", bytes != NULL ? bytes : "", (long long)seconds);
        (void)fflush(stdout);
        return 0;
    }
    last_words(&carry->source, words, sizeof words);
    if (*words == '\0')
        last_words(&carry->target, words, sizeof words);
    (void)snprintf(text, sizeof text, "%.400s%srsync ended with %d", words,
                   *words != '\0' ? "; " : "", status);
    return fail(NULL, text);
}

/* It has said how it ended, or never will. */
static bool has_closed(const struct end *end)
{
    return end->has_ended &&
           (ssh_channel_get_exit_status(end->channel) >= 0 || ssh_channel_is_closed(end->channel));
}

static int run(struct carry *carry)
{
    carry->began_ms = carry->heard_ms = now_ms();
    for (;;) {
        bool has_moved = move(&carry->source, &carry->target, &carry->moved);

        has_moved = move(&carry->target, &carry->source, &(int64_t){ 0 }) || has_moved;
        hear(&carry->source);
        hear(&carry->target);
        if (has_moved)
            carry->heard_ms = now_ms();
        say(carry);
        if (has_closed(&carry->target) && has_closed(&carry->source))
            return conclude(carry);
        if (ssh_is_connected(carry->target.ssh) == 0)
            return fail(&carry->target, "the connection is lost");
        if (ssh_is_connected(carry->source.ssh) == 0 && !carry->source.has_ended)
            return fail(&carry->source, "the connection is lost");
        if (now_ms() - carry->heard_ms > SILENCE_MS)
            return fail(NULL, "nothing has moved for five minutes");
        if (!has_moved)
            wait_for_more(carry);
    }
}

int copy_carry_main(void)
{
    static struct carry carry = {
        .source = { .what = "the source", .fd = COPY_CARRY_SOURCE_FD },
        .target = { .what = "the target", .fd = COPY_CARRY_TARGET_FD },
    };
    struct copy_carry start;
    struct copy_secret secret;
    char greeting[GREETING_LENGTH];

    (void)prctl(PR_SET_NAME, "berth-copy");
    crypto_start();
    if (pread(COPY_CARRY_FILE_FD, &start, sizeof start, 0) != (ssize_t)sizeof start ||
        close(COPY_CARRY_FILE_FD) != 0)
        return fail(NULL, "its start cannot be read");
    const struct sandbox sandbox = { .jail = start.jail, .uid = start.uid, .gid = start.gid };
    memcpy(secret.seed.bytes, start.secret, sizeof secret.seed.bytes);
    struct key_pair keys = copy_secret_keys(&secret);
    struct hash hash = copy_secret_greeting(&secret);
    (void)hex_format(hash.bytes, sizeof hash.bytes, greeting);
    crypto_wipe(&start, sizeof start.secret);
    ssh_key key = key_of(&keys);
    if (key == NULL || !sandbox_enter(&sandbox))
        return fail(NULL, "it cannot give up its rights");
    /* Both log in before either is waited for: nobody may be connected for long without that. */
    struct end *const ends[] = { &carry.source, &carry.target };
    for (size_t i = 0; i < 2; i++) {
        const char *why = log_in(ends[i], key);
        if (why != NULL)
            return fail_login(ends[i], why);
    }
    for (size_t i = 0; i < 2; i++) {
        const char *why = begin(ends[i], greeting);
        if (why != NULL)
            return fail(ends[i], why);
    }
    return run(&carry);
}
