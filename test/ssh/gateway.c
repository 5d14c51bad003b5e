/* SPDX-License-Identifier: Apache-2.0 */
/* The way in without the rest of the agent: a table from standard input, counters to standard
 * output. One command a line:
 *
 *     entry ID PORT CONTAINER|- KEYFILE|- STATE TEXT    add to the next table
 *     commit                                            hand the table over
 *     counters ID                                       "counters UP DOWN CONNECTIONS ERRNO"
 *     broker                                            the broker's process id
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "agent/access.h"
#include "agent/access_tools.h"
#include "base/buf.h"
#include "sys/crypto.h"
#include "sys/file.h"

enum { ENTRIES_MAX = 64, LINE_SIZE = 4096, KEYS_SIZE = 1 << 20, TEND_MS = 100 };

struct table {
    size_t count;
    struct access_entry entries[ENTRIES_MAX];
    char *texts[ENTRIES_MAX]; /* the lines, cut up; owned, like the keys */
    char *keys[ENTRIES_MAX];
    const char *key_lines[ENTRIES_MAX][ACCESS_KEYS_MAX];
};

static void fail(const struct error *err)
{
    (void)fprintf(stderr, "gateway: %s\n", err->text);
    exit(1);
}

static void read_keys(const char *path, struct table *table, size_t index)
{
    auto_buf struct buf text = buf_of(KEYS_SIZE);
    struct access_entry *entry = &table->entries[index];
    struct error err;

    entry->keys = table->key_lines[index];
    if (strcmp(path, "-") == 0)
        return;
    if (!file_read(AT_FDCWD, path, &text, &err))
        fail(&err);
    table->keys[index] = buf_take(&text);
    char *rest = table->keys[index], *line;
    while (entry->key_count < ACCESS_KEYS_MAX && (line = strsep(&rest, "\n")) != NULL)
        if (line[0] != '\0')
            table->key_lines[index][entry->key_count++] = line;
}

static void clear(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->texts[i]);
        free(table->keys[i]);
    }
    *table = (struct table){ 0 };
}

static void add_entry(struct table *table, const char *text)
{
    size_t index = table->count++;
    char *line = strdup(text);

    if (line == NULL)
        abort();
    table->texts[index] = line;
    const char *id = strsep(&line, " "), *port = strsep(&line, " ");
    const char *container = strsep(&line, " "), *keys = strsep(&line, " ");
    table->entries[index] = (struct access_entry){
        .instance_id = strtoll(id, NULL, 10),
        .port = (uint16_t)strtoul(port, NULL, 10),
        .container_id = strcmp(container, "-") == 0 ? "" : container,
        .state_text = line != NULL ? line : "",
    };
    read_keys(keys, table, index);
}

static void print_counters(const struct access *access, const char *id)
{
    struct access_counters counters;

    if (access_counters(access, strtoll(id, NULL, 10), &counters))
        (void)printf("counters %llu %llu %lld %d\n", (unsigned long long)counters.bytes_up,
                     (unsigned long long)counters.bytes_down, (long long)counters.connection_count,
                     counters.listen_errno);
    else
        (void)printf("counters none\n");
}

static void handle(struct access *access, struct table *table, char *line)
{
    struct error err;

    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "entry ", 6) == 0) {
        add_entry(table, line + 6);
        return;
    }
    if (strcmp(line, "commit") == 0) {
        if (access_update(access, table->entries, table->count, &err))
            (void)printf("done\n");
        else
            (void)printf("refused %s\n", err.text);
        clear(table);
    } else if (strncmp(line, "counters ", 9) == 0) {
        print_counters(access, line + 9);
    }
    (void)fflush(stdout);
}

int main(int count, char *arguments[])
{
    static struct table table;
    struct access *access = NULL;
    struct error err;
    char line[LINE_SIZE];
    bool has_rsync;

    if (count > 1 && strcmp(arguments[1], ACCESS_BROKER_VERB) == 0)
        return access_broker_main(count, arguments);
    if (count != 5)
        return 2;
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    crypto_start();
    const struct access_options options = {
        .state_dir = arguments[1],
        .engine_socket = arguments[2],
        .bind_address = "::",
        .session_uid = 65534,
        .session_gid = 65534,
        .log = log_standard(),
    };
    if (!access_tools_install(arguments[3], arguments[4], &has_rsync, &err) ||
        !access_start(&options, &access, &err))
        fail(&err);
    (void)printf("ready%s\n", has_rsync ? " rsync" : "");
    (void)fflush(stdout);
    setvbuf(stdin, NULL, _IONBF, 0);
    for (;;) {
        struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

        if (poll(&input, 1, TEND_MS) > 0) {
            if (fgets(line, sizeof(line), stdin) == NULL)
                break;
            handle(access, &table, line);
        }
        access_tend(access);
    }
    clear(&table);
    access_stop(&access);
    return 0;
}
