/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/engine_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/engine_neighbour.h"
#include "base/buf.h"
#include "sys/child.h"
#include "sys/fd.h"
#include "sys/file.h"

enum {
    TOOL_TIMEOUT_MS = 10000,
    LISTING_MAX = 4 << 20,
    LINE_MAX_BYTES = 1024,
    WORDS_MAX = 64,
};

static const char forward_path[] = "/proc/sys/net/ipv4/ip_forward";
static const char *const tables[] = { "filter", "nat" };

/* Run; the output, if it is wanted, goes into `output`. False where it did not end in success. */
static bool tool(const char *const *arguments, struct buf *output, struct error *err)
{
    struct child_run run = { .arguments = arguments, .timeout_ms = TOOL_TIMEOUT_MS };
    auto_buf struct buf own = buf_of(LISTING_MAX);
    struct buf *said = output != NULL ? output : &own;
    int status;

    if (!child_run(&run, said, &status, err))
        return false;
    if (status != 0)
        return error_set(err, ERROR_IO, "%s ended with %d: %.100s", arguments[0], status,
                         said->length > 0 ? said->bytes : "");
    return true;
}

static bool list(const char *table, struct buf *listing, struct error *err)
{
    return tool((const char *const[]){ "iptables", "-w", "-t", table, "-S", NULL }, listing, err);
}

/* The first word that is a name behind `flag`, as in "-A FORWARD". */
static bool word_after(const char *line, const char *flag, char *ret_word, size_t size)
{
    size_t flag_length = strlen(flag);

    if (strncmp(line, flag, flag_length) != 0)
        return false;
    size_t length = strcspn(line + flag_length, " ");
    if (length == 0 || length >= size)
        return false;
    memcpy(ret_word, line + flag_length, length);
    ret_word[length] = '\0';
    return true;
}

static bool is_chain_of_docker(const char *name)
{
    return strcmp(name, "DOCKER") == 0 || strncmp(name, "DOCKER-", sizeof "DOCKER-" - 1) == 0;
}

/* bt and a number, as agent/slots.h names bridges. */
static bool is_bridge(const char *name, size_t length)
{
    return length > 2 && strncmp(name, "bt", 2) == 0 &&
           strspn(name + 2, "0123456789") >= length - 2;
}

bool engine_rules_is_ours(const char *line)
{
    char chain[64];

    if (!word_after(line, "-A ", chain, sizeof chain) || is_chain_of_docker(chain))
        return false;
    for (const char *word = line; *word != '\0';) {
        size_t length = strcspn(word, " ");
        const char *next = word + length + strspn(word + length, " ");

        if (strncmp(word, "-j ", 3) == 0 && strncmp(next, "DOCKER", sizeof "DOCKER" - 1) == 0)
            return true;
        if ((strncmp(word, "-i ", 3) == 0 || strncmp(word, "-o ", 3) == 0) &&
            is_bridge(next, strcspn(next, " ")))
            return true;
        word = next;
    }
    return false;
}

/* "-A FORWARD -o bt1 ..." is removed by "-D FORWARD -o bt1 ...". */
static bool remove_rule(const char *table, char *line, struct error *err)
{
    const char *arguments[WORDS_MAX] = { "iptables", "-w", "-t", table };
    size_t count = 4;
    char *rest = NULL;

    for (char *word = strtok_r(line, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        if (count + 1 == WORDS_MAX)
            return error_set(err, ERROR_OUT_OF_RANGE, "a rule has too many words");
        arguments[count++] = strcmp(word, "-A") == 0 ? "-D" : word;
    }
    arguments[count] = NULL;
    return tool(arguments, NULL, err);
}

static bool remove_chains(const char *table, const char *listing, struct error *err)
{
    static const char *const verbs[] = { "-F", "-X" };

    /* All are emptied before any is removed: they lead to one another. */
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        for (const char *line = listing; *line != '\0';) {
            size_t length = strcspn(line, "\n");
            char text[LINE_MAX_BYTES], chain[64];

            (void)snprintf(text, sizeof text, "%.*s", (int)length, line);
            if (word_after(text, "-N ", chain, sizeof chain) && is_chain_of_docker(chain) &&
                !tool((const char *const[]){ "iptables", "-w", "-t", table, verbs[i], chain, NULL },
                      NULL, err))
                return false;
            line += length + (line[length] == '\n');
        }
    }
    return true;
}

static bool clear_table(const char *table, struct error *err)
{
    auto_buf struct buf listing = buf_of(LISTING_MAX);

    if (!list(table, &listing, err))
        return false;
    for (const char *line = listing.length > 0 ? listing.bytes : ""; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        char text[LINE_MAX_BYTES];

        (void)snprintf(text, sizeof text, "%.*s", (int)length, line);
        if (engine_rules_is_ours(text) && !remove_rule(table, text, err))
            return false;
        line += length + (line[length] == '\n');
    }
    return remove_chains(table, listing.length > 0 ? listing.bytes : "", err);
}

/* Of this network namespace: what is mounted at /sys may show another's. */
static bool remove_bridges(struct error *err)
{
    struct if_nameindex *interfaces = if_nameindex();
    bool is_done = true;

    if (interfaces == NULL)
        return error_system(err, errno, "list the network interfaces");
    for (size_t i = 0; is_done && interfaces[i].if_name != NULL; i++) {
        const char *name = interfaces[i].if_name;

        if (is_bridge(name, strlen(name)))
            is_done = tool((const char *const[]){ "ip", "link", "delete", name, NULL }, NULL, err);
    }
    if_freenameindex(interfaces);
    return is_done;
}

static void note_path(const char *dir, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/network-before", dir);
}

/* Two lines: the policy of FORWARD, and whether the machine forwarded. */
bool engine_rules_note(const char *dir, struct error *err)
{
    auto_buf struct buf listing = buf_of(LISTING_MAX), forwards = buf_of(64), note = buf_of(128);
    char path[512], policy[16];

    note_path(dir, path, sizeof path);
    if (access(path, F_OK) == 0)
        return true;
    if (!list("filter", &listing, err) || !file_read(AT_FDCWD, forward_path, &forwards, err))
        return false;
    if (listing.length == 0 || strstr(listing.bytes, "-N DOCKER\n") != NULL)
        return true;
    const char *line = strstr(listing.bytes, "-P FORWARD ");
    if (line == NULL || !word_after(line, "-P FORWARD ", policy, sizeof policy))
        (void)snprintf(policy, sizeof policy, "ACCEPT");
    policy[strcspn(policy, "\n")] = '\0';
    buf_printf(&note, "%s\n%c\n", policy, forwards.length > 0 ? forwards.bytes[0] : '0');
    return file_replace(AT_FDCWD, path, 0600, note.bytes, note.length, err);
}

/* To a neighbour that has noted nothing itself, because our engine was there before it. */
static bool hand_over(const char *path, const char *neighbour, struct error *err)
{
    char its_path[NEIGHBOUR_DIR_SIZE + 32];
    auto_buf struct buf note = buf_of(128);

    note_path(neighbour, its_path, sizeof its_path);
    if (*neighbour != '\0' && access(its_path, F_OK) != 0 &&
        (!file_read(AT_FDCWD, path, &note, err) ||
         !file_replace(AT_FDCWD, its_path, 0600, note.bytes, note.length, err)))
        return error_context(err, "leave the network's rules to the engine in %s", neighbour);
    if (unlink(path) != 0)
        return error_system(err, errno, "remove %s", path);
    return true;
}

bool engine_rules_undo(const char *dir, struct error *err)
{
    auto_buf struct buf note = buf_of(128);
    char path[512], neighbour[NEIGHBOUR_DIR_SIZE];
    struct error missing;

    note_path(dir, path, sizeof path);
    if (!file_read(AT_FDCWD, path, &note, &missing))
        return missing.code == ERROR_NOT_FOUND ? true : (*err = missing, false);
    if (engine_neighbour_find(0, neighbour) > 0)
        return hand_over(path, neighbour, err);
    const char *text = note.length > 0 ? note.bytes : "";
    const char *policy = strncmp(text, "DROP\n", 5) == 0 ? "DROP" : "ACCEPT";

    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (!clear_table(tables[i], err))
            return error_context(err, "clear the engine's rules from table %s", tables[i]);
    }
    if (!tool((const char *const[]){ "iptables", "-w", "-P", "FORWARD", policy, NULL }, NULL,
              err) ||
        !remove_bridges(err))
        return false;
    if (strstr(text, "\n0") != NULL) {
        auto_close int fd = open(forward_path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, "0\n", 2) != 2)
            return error_system(err, errno, "write %s", forward_path);
    }
    if (unlink(path) != 0)
        return error_system(err, errno, "remove %s", path);
    return true;
}
