/* SPDX-License-Identifier: Apache-2.0 */
/* The database of a market: transactions in, durable answers out.
 *
 * Reads run on the caller's thread, each thread with a connection of its own, in a snapshot.
 * Writes are closures. On SQLite there is one connection for them. Whoever finds it idle, and
 * nobody waiting, writes on its own thread; what comes meanwhile is gathered by one writer thread
 * (at most STORE_BATCH_MAX), which runs it in one transaction, commits that with one sync and only
 * then wakes the callers. When one fails, all run again, each in a savepoint, and it fails alone.
 * On PostgreSQL the caller's thread takes a connection from the pool; a conflict (40001, 40P01,
 * 23505) runs the closure again; what agents send is gathered (store_write_jointly). So a closure
 *
 *   - may run more than once, and must start by setting its outputs afresh;
 *   - sees no effect of the outside world and causes none: no network, no clock but the
 *     `now` it was given;
 *   - returns false to leave nothing behind;
 *   - changes a row of whatever it decides about. On PostgreSQL a closure sees the moment at
 *     which it began, and of two that change the same row one is run again; two that only read
 *     what the other changes would not notice each other. Who decides over an account takes the
 *     user's row (store/user.h), over a machine the machine's, over a contract its generation. */

#ifndef BERTH_STORE_STORE_H
#define BERTH_STORE_STORE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "store/db.h"
#include "sys/log.h"

enum { STORE_BATCH_MAX = 64 };

/* Readers at a time on SQLite; connections to PostgreSQL, for reads and writes. More wait. */
enum { STORE_READERS_MAX = 64, STORE_CONNECTIONS_MAX = 16 };

/* How often a write that conflicts with others on PostgreSQL is run before ERROR_CONFLICT. From the
 * fourth time on nobody else of the store's writes meanwhile. */
enum { STORE_ATTEMPTS_MAX = 20 };

struct store;

/* Whether it names a PostgreSQL, and no folder. */
bool store_is_url(const char *location);

/* ERROR_NOT_FOUND: there is no market's database at `location`. Nothing is made or changed there.
 */
NODISCARD bool store_find(const char *location, struct error *err);

/* `location` is a directory, which then holds berth.sqlite, or a postgres:// URL. Creates what
 * is missing and applies migrations; a database that is newer than this program, or whose
 * applied migrations were edited, is refused (ERROR_CONFLICT). */
NODISCARD bool store_open(const char *location, const struct log *log, struct store **ret_store,
                          struct error *err);
/* The same in another process than the server, which may run meanwhile and alone looks after
 * SQLite's log (docs/decisions/0020-one-who-checkpoints.md). */
NODISCARD bool store_open_beside(const char *location, const struct log *log,
                                 struct store **ret_store, struct error *err);
void store_close(struct store **store);

typedef bool store_work(struct db *db, void *context, struct error *err);

/* True once what `work` wrote is durable. */
NODISCARD bool store_write(struct store *store, store_work *work, void *context, struct error *err);

/* The same, one after another on all servers: who comes while another has that turn waits for its
 * end and then sees what it has stored, instead of losing against it. On SQLite all writes are so.
 */
enum store_turn {
    STORE_TURN_NONE,
    STORE_TURN_BILLS, /* hosts' invoices, which are numbered without gaps */
};
NODISCARD bool store_write_in_turn(struct store *store, enum store_turn turn, store_work *work,
                                   void *context, struct error *err);

/* The same for what is in no hurry, and comes often: on SQLite it waits up to STORE_PATIENCE_MS for
 * company, so that many share one sync. A write that is in a hurry takes along all that waits. */
enum { STORE_PATIENCE_MS = 20 };
NODISCARD bool store_write_patiently(struct store *store, store_work *work, void *context,
                                     struct error *err);

/* The same without waiting for it. `done` is called once: with true when what was written is
 * durable. On SQLite that happens on the store's thread, so it must be short and must not write; on
 * PostgreSQL before this returns. The context is the callee's until then. */
typedef void store_done(void *context, bool is_stored, const struct error *err);
void store_write_later(struct store *store, store_work *work, void *context, store_done *done);

/* The same for what comes so often that many of it wait at any time. On SQLite it is
 * store_write_later() of `work`. On PostgreSQL a thread of the store's gathers what comes within
 * STORE_PATIENCE_MS, at most STORE_BATCH_MAX, and gives it to `joint` in one transaction, which
 * says which of them it has stored; the others are written by `work`, each alone. All of a kind
 * have the same `joint`. `done` is called on a thread of the kind's. */
enum store_kind { STORE_HEARTBEATS, STORE_HELLOS, STORE_POLLS };
enum { STORE_KINDS = 3 };
typedef bool store_joint_work(struct db *db, void *const *contexts, size_t count,
                              bool *ret_is_stored, struct error *err);
struct store_joint {
    enum store_kind kind;
    store_work *work;
    store_joint_work *joint; /* never called on SQLite */
    void *context;
    store_done *done;
};
void store_write_jointly(struct store *store, const struct store_joint *what);

NODISCARD bool store_read(struct store *store, store_work *work, void *context, struct error *err);

/* A read whose answer is bytes that many ask for: on SQLite it is kept until anything is written,
 * by whichever process, and found again without the closure being run (store/kept.h). It is as new
 * as a read's at this moment. The name says all that the answer depends on but the database. */
struct store_answer {
    const void *name;
    size_t name_length; /* at most STORE_NAME_MAX */
    struct buf *bytes;  /* what it is; a closure starts by emptying it */
    bool is_lasting;    /* from the closure: all of it follows from the database and the name */
};
enum { STORE_NAME_MAX = 48 };
NODISCARD bool store_read_kept(struct store *store, store_work *work, void *context,
                               struct store_answer *answer, struct error *err);

/* Hear of changes after their commit, on a thread of the store's: return soon, do not write. On
 * PostgreSQL also those of other processes, by NOTIFY. Where changes may have been missed (a
 * connection was down, a queue full), the id is STORE_ID_ANY: rebuild what you keep. From now
 * on until store_close(). */
enum { STORE_ID_ANY = 0 };
typedef void store_listener(void *context, enum db_topic topic, int64_t id);
void store_subscribe(struct store *store, store_listener *listener, void *context);

/* From now on log statements that take as long: their text, which never holds a value. 0: none. */
void store_watch(struct store *store, int64_t slow_us);

/* Whether the database is in this process, so that a read of a few rows takes microseconds. */
bool store_is_local(const struct store *store);

struct store_totals {
    uint64_t reads, writes, commits, retries, failures;
    uint64_t queue_length; /* writes that wait now */
    uint64_t statements, slow_statements;
};
struct store_totals store_totals(struct store *store);

#endif
