/* SPDX-License-Identifier: Apache-2.0 */
#include "store/listen.h"

#include <assert.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/parse.h"
#include "sys/crypto.h"

enum { NAME_BYTES = 8, MESSAGE_SIZE_MAX = 64, MESSAGES_SIZE_MAX = 1 << 20 };

struct listen {
    PGconn *connection;
    char name[HEX_SIZE(NAME_BYTES)]; /* to know what we said ourselves */
};

static bool fail(struct listen *listen, struct error *err)
{
    char text[ERROR_TEXT_SIZE] = "";
    const char *message = PQerrorMessage(listen->connection);

    memcpy(text, message, strnlen(message, sizeof text - 1));
    text[strcspn(text, "\n")] = '\0';
    return error_set(err, ERROR_UNREACHABLE, "%s", text);
}

static bool run(struct listen *listen, const char *sql, const char *text, struct error *err)
{
    PGresult *result =
        PQexecParams(listen->connection, sql, text != NULL, NULL, &text, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(result);

    PQclear(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || fail(listen, err);
}

/* libpq would write them to standard error, which is the log's. */
static void ignore_notice(void *context, const char *message)
{
    (void)context;
    (void)message;
}

bool listen_open(const char *url, struct listen **ret_listen, struct error *err)
{
    static const char *const keywords[] = { "connect_timeout", "tcp_user_timeout", "dbname",
                                            "fallback_application_name", NULL };
    const char *const values[] = { "5", "15000", url, "berthd listen", NULL };
    struct listen *listen = calloc(1, sizeof *listen);
    uint8_t name[NAME_BYTES];

    if (listen == NULL)
        abort();
    crypto_random(name, sizeof name);
    (void)hex_format(name, sizeof name, listen->name);
    listen->connection = PQconnectdbParams(keywords, values, 1);
    (void)PQsetNoticeProcessor(listen->connection, ignore_notice, NULL);
    /* A wake-up that is lost is found out anyway: no need to sync it to disk. */
    if ((PQstatus(listen->connection) != CONNECTION_OK && !fail(listen, err)) ||
        !run(listen, "SET synchronous_commit = off", NULL, err) ||
        !run(listen, "LISTEN berth", NULL, err)) {
        listen_close(&listen);
        return error_context(err, "listen to PostgreSQL");
    }
    *ret_listen = listen;
    return true;
}

void listen_close(struct listen **listen)
{
    if (*listen == NULL)
        return;
    PQfinish((*listen)->connection);
    free(*listen);
    *listen = NULL;
}

int listen_descriptor(struct listen *listen)
{
    return PQsocket(listen->connection);
}

bool listen_send(struct listen *listen, const struct db_change *changes, size_t count,
                 struct error *err)
{
    auto_buf struct buf messages = buf_of(MESSAGES_SIZE_MAX);

    for (size_t i = 0; i < count; i++)
        buf_printf(&messages, "%s%s:%d:%" PRId64, i > 0 ? " " : "", listen->name,
                   (int)changes[i].topic, changes[i].id);
    assert(!messages.has_overflowed);
    return count == 0 || run(listen,
                             "SELECT pg_notify('berth', message) "
                             "FROM unnest(string_to_array($1, ' ')) AS message",
                             messages.bytes, err);
}

/* What another server wrote; anybody else may have written anything. */
static bool parse(const char *message, struct db_change *ret_change)
{
    char text[MESSAGE_SIZE_MAX];
    size_t length = strlen(message);
    uint64_t topic, id;

    if (length >= sizeof text)
        return false;
    memcpy(text, message, length + 1);
    char *topic_text = strchr(text, ':');
    char *id_text = topic_text != NULL ? strchr(topic_text + 1, ':') : NULL;
    if (id_text == NULL)
        return false;
    *id_text = '\0';
    if (!parse_u64(topic_text + 1, &topic) || !parse_u64(id_text + 1, &id) || topic > TOPIC_LAST ||
        id > INT64_MAX)
        return false;
    *ret_change = (struct db_change){ (enum db_topic)topic, (int64_t)id };
    return true;
}

bool listen_receive(struct listen *listen, void (*hear)(void *context, struct db_change change),
                    void *context, struct error *err)
{
    PGnotify *message;
    struct db_change change;

    if (PQconsumeInput(listen->connection) != 1)
        return fail(listen, err);
    while ((message = PQnotifies(listen->connection)) != NULL) {
        bool is_ours = strncmp(message->extra, listen->name, strlen(listen->name)) == 0;

        if (!is_ours && parse(message->extra, &change))
            hear(context, change);
        PQfreemem(message);
    }
    return PQstatus(listen->connection) == CONNECTION_OK || fail(listen, err);
}
