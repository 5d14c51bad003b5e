/* SPDX-License-Identifier: Apache-2.0 */
/* berthd: the server of a market. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "flow/check.h"
#include "server/admin.h"
#include "server/books.h"
#include "server/books_master.h"
#include "server/books_move.h"
#include "server/books_recovery.h"
#include "server/options.h"
#include "server/relay_alone.h"
#include "server/release.h"
#include "server/serve.h"
#include "server/top.h"
#include "server/whereabouts.h"
#include "store/store.h"
#include "sys/crypto.h"
#include "sys/heap.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, TEXT_MAX = 64 << 20 };

static const struct option_row store_options[] = {
    { "data", "DIR", "the server's folder" },
    { "store", "WHERE", "sqlite, or postgres://... (sqlite)" },
    { NULL, NULL, NULL },
};
static const struct option_row check_options[] = {
    { "data", "DIR", "the server's folder" },
    { "store", "WHERE", "sqlite, or postgres://... (sqlite)" },
    { "ledger", NULL, "the books alone, I-1 to I-21: not what state contracts are in" },
    { NULL, NULL, NULL },
};
static const struct option_row no_options[] = { { NULL, NULL, NULL } };

static bool run_serve(const struct options *options, struct buf *out, struct error *err)
{
    (void)out;
    return serve_run(options, BERTH_VERSION, err);
}

static bool run_relay(const struct options *options, struct buf *out, struct error *err)
{
    const char *location;

    (void)out;
    return whereabouts_find(options, &location, err) && relay_alone_run(options, location, err);
}

static bool run_migrate(const struct options *options, struct buf *out, struct error *err)
{
    struct log log = log_standard();
    struct store *store = NULL;
    const char *location;

    /* Opening applies what is missing. */
    if (!whereabouts_of(options, &location, err) || !store_open_beside(location, &log, &store, err))
        return false;
    store_close(&store);
    buf_printf(out, "the database is up to date");
    return true;
}

struct checking {
    bool is_of_books; /* nothing else counts */
    uint64_t violations;
};

/* At once, since there may be many. */
static void print_finding(void *context, const char *rule, const char *text)
{
    struct checking *checking = context;

    if (checking->is_of_books && strcmp(rule, "state") == 0)
        return;
    checking->violations++;
    (void)printf("%s: %s\n", rule, text);
}

static bool run_check(const struct options *options, struct buf *out, struct error *err)
{
    struct log log = log_standard();
    struct store *store = NULL;
    struct checking checking = { .is_of_books = options_has(options, "ledger") };
    struct check_counts counts = { 0 };
    const char *location;

    if (!whereabouts_find(options, &location, err) ||
        !store_open_beside(location, &log, &store, err))
        return false;
    bool is_read = flow_check(store, print_finding, &checking, &counts, err);
    store_close(&store);
    if (!is_read)
        return false;
    if (checking.violations > 0)
        return error_set(err, ERROR_CORRUPT, "%llu violations",
                         (unsigned long long)checking.violations);
    buf_printf(out, "sound: %llu journals, %llu transfers, %llu accounts, %llu contracts\n",
               (unsigned long long)counts.journals, (unsigned long long)counts.transfers,
               (unsigned long long)counts.accounts, (unsigned long long)counts.contracts);
    buf_printf(out, "sealed: up to journal %lld, %llu since; the newest of %llu seals is %s",
               (long long)counts.sealed, (unsigned long long)counts.unsealed,
               (unsigned long long)counts.seals, counts.seals > 0 ? counts.head : "none");
    return true;
}

static bool run_config(const struct options *options, struct buf *out, struct error *err)
{
    (void)options;
    (void)err;
    buf_printf(out, "# Options of `berthd serve --config FILE`: one a line, without dashes, "
                    "\"name value\" or \"name\".\n\n");
    options_sample(serve_options, out);
    return true;
}

static bool run_version(const struct options *options, struct buf *out, struct error *err)
{
    (void)options;
    (void)err;
    buf_printf(out, "berthd %s", BERTH_VERSION);
    return true;
}

static const struct command {
    const char *name, *help;
    const struct option_row *rows;
    bool takes_words; /* beside options */
    bool (*run)(const struct options *options, struct buf *out, struct error *err);
    void (*describe)(struct buf *out); /* more for --help, or NULL */
} commands[] = {
    { "serve", "serve the market until told to stop", serve_options, false, run_serve, NULL },
    { "relay", "lend ports to hosts without open ones, as a process of its own",
      relay_alone_options, false, run_relay, NULL },
    { "admin", "accounts, credit and machines, by hand", admin_options, true, admin_run,
      admin_describe },
    { "check", "hold all that is stored to the market's invariants; exit 1 if one is broken",
      check_options, false, run_check, NULL },
    { "backup", "copy the books of a market that goes on, and hold the copy to every invariant",
      backup_options, false, backup_run, NULL },
    { "restore", "put a backup in place; the market is then in recovery", restore_options, false,
      restore_run, NULL },
    { "recovery", "begin, show or end: compare restored books with what machines run",
      recovery_options, true, recovery_run, NULL },
    { "master-key", "put another master key in place, step by step", master_options, true,
      master_run, master_describe },
    { "move", "move the books from SQLite to PostgreSQL", move_options, false, move_run, NULL },
    { "top", "what servers are at, every few seconds", top_options, false, top_run, NULL },
    { "migrate", "bring the database up to date", store_options, false, run_migrate, NULL },
    { "release", "sign releases of berth-host, for hosts that update themselves", release_options,
      true, release_run, release_describe },
    { "config", "print a configuration file with every option of serve", no_options, false,
      run_config, NULL },
    { "version", "print the version", no_options, false, run_version, NULL },
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void describe_all(struct buf *out)
{
    buf_printf(out, "berthd %s: the server of a GPU rental market\n\n", BERTH_VERSION);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        buf_printf(out, "  berthd %-10s %s\n", commands[i].name, commands[i].help);
    buf_printf(out, "\nberthd COMMAND --help says more.");
}

static void describe(const struct command *command, struct buf *out)
{
    buf_printf(out, "berthd %s: %s\n\n", command->name, command->help);
    if (command->describe != NULL) {
        command->describe(out);
        buf_printf(out, "\n");
    }
    options_describe(command->rows, out);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static int fail(const char *command, const struct error *err)
{
    (void)fprintf(stderr, "berthd%s%s: %s\n", command[0] != '\0' ? " " : "", command, err->text);
    return err->code == ERROR_INVALID ? EXIT_USAGE : EXIT_FAILED;
}

static int print(struct buf *out)
{
    size_t length = out->length;

    if (out->has_overflowed) {
        (void)fprintf(stderr, "berthd: the answer is too long\n");
        return EXIT_FAILED;
    }
    if (length > 0 && out->bytes[length - 1] == '\n')
        length--;
    if ((length == 0 ||
         (fwrite(out->bytes, 1, length, stdout) == length && putchar('\n') != EOF)) &&
        fflush(stdout) == 0)
        return EXIT_DONE;
    (void)fprintf(stderr, "berthd: write: %s\n", strerror(errno));
    return EXIT_FAILED;
}

int main(int argc, char **argv)
{
    auto_buf struct buf out = buf_of(TEXT_MAX);
    const struct command *command;
    struct options options;
    struct error err;

    heap_settle();
    crypto_start();
    if (argc >= 2 && is_help(argv[1])) {
        describe_all(&out);
        return print(&out);
    }
    command = argc >= 2 ? find_command(argv[1]) : NULL;
    if (command == NULL) {
        if (argc >= 2)
            (void)error_set(&err, ERROR_INVALID,
                            "there is no command '%.64s'; berthd --help lists them", argv[1]);
        else
            (void)error_set(&err, ERROR_INVALID, "what to do? berthd --help lists commands");
        return fail("", &err);
    }
    if (!options_parse(command->rows, argc - 2, argv + 2, &options, &err))
        return fail(command->name, &err);
    if (options.wants_help) {
        describe(command, &out);
        return print(&out);
    }
    if (options.word_count > 0 && !command->takes_words) {
        (void)error_set(&err, ERROR_INVALID, "'%.64s' is one word too many", options.words[0]);
        return fail(command->name, &err);
    }
    if (!command->run(&options, &out, &err))
        return fail(command->name, &err);
    return print(&out);
}
