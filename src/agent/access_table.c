/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access_table.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "agent/access_keys.h"
#include "base/hex.h"
#include "base/parse.h"

enum { ERRAND_KEY_SIZE = 128, ERRAND_LENGTH_MAX = 4 * ACCESS_COPY_PATH_MAX + 256 };
enum { MAY_OPEN = 1, IS_FOR_COPIES = 2, FLAGS_MAX = 3 };

void access_table_release(struct access_table *table)
{
    free(table->text);
    free(table->rows);
    *table = (struct access_table){ 0 };
}

static void write_errand(struct buf *text, const struct access_copy *copy)
{
    char key[ERRAND_KEY_SIZE], greeting[HEX_SIZE(ACCESS_COPY_SIZE)];
    char from[HEX_SIZE(ACCESS_COPY_PATH_MAX)], to[HEX_SIZE(ACCESS_COPY_PATH_MAX)] = "";
    size_t from_length = copy->from != NULL ? strlen(copy->from) : 0;
    size_t to_length = copy->to != NULL ? strlen(copy->to) : 0;

    if (from_length > ACCESS_COPY_PATH_MAX || to_length > ACCESS_COPY_PATH_MAX)
        return;
    (void)hex_format(copy->greeting, ACCESS_COPY_SIZE, greeting);
    if (copy->from == NULL) {
        buf_printf(text, "errand %s %s sftp\n", access_key_of(copy->public_key, key, sizeof key),
                   greeting);
        return;
    }
    (void)hex_format((const uint8_t *)copy->from, from_length, from);
    if (copy->is_target)
        (void)hex_format((const uint8_t *)copy->to, to_length, to);
    buf_printf(text, "errand %s %s %s %s%s%s\n", access_key_of(copy->public_key, key, sizeof key),
               greeting, copy->is_target ? "take" : "give", from, copy->is_target ? " " : "", to);
}

void access_table_write(struct buf *text, const struct access_entry *entry, uint16_t slot,
                        size_t *ret_key_count)
{
    char state[ACCESS_STATE_TEXT_MAX + 1] = "";
    size_t count = 0;

    /* One line for people is one line of the table. */
    size_t length = strnlen(entry->state_text, ACCESS_STATE_TEXT_MAX);
    memcpy(state, entry->state_text, length);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)state[i] < ' ')
            state[i] = ' ';
    buf_printf(text, "instance %lld %u %u %s %u %s\n", (long long)entry->instance_id,
               (unsigned)entry->port, (unsigned)slot,
               entry->container_id[0] != '\0' ? entry->container_id : "-",
               (entry->may_open ? MAY_OPEN : 0U) | (entry->is_for_copies ? IS_FOR_COPIES : 0U),
               state);
    for (size_t i = 0; i < entry->key_count && count < ACCESS_KEYS_MAX; i++) {
        const char *base64;
        size_t key_length;

        if (!access_key_parse(entry->keys[i], &base64, &key_length))
            continue;
        buf_printf(text, "key %.*s\n", (int)key_length, base64);
        count++;
    }
    for (size_t i = 0; i < entry->copy_count && i < ACCESS_COPIES_MAX; i++)
        write_errand(text, &entry->copies[i]);
    *ret_key_count = count;
}

/* Cut the word in front off `*text`; "" at its end. */
static char *take_word(char **text)
{
    char *word = *text;
    size_t length = strcspn(word, " ");

    *text = word + length + (word[length] == ' ' ? 1 : 0);
    word[length] = '\0';
    return word;
}

static bool take_number(char **text, uint64_t max, uint64_t *ret)
{
    uint64_t value;

    if (!parse_u64(take_word(text), &value) || value > max)
        return false;
    *ret = value;
    return true;
}

static bool read_instance(char *line, struct access_row *row)
{
    uint64_t id, port, slot, flags;

    if (!take_number(&line, INT64_MAX, &id) || !take_number(&line, UINT16_MAX, &port) ||
        !take_number(&line, ACCESS_SLOTS_MAX - 1, &slot))
        return false;
    const char *container = take_word(&line);
    *row = (struct access_row){
        .instance_id = (int64_t)id,
        .port = (uint16_t)port,
        .slot = (uint16_t)slot,
    };
    if (strcmp(container, "-") != 0) {
        if (strlen(container) != ACCESS_CONTAINER_SIZE - 1)
            return false;
        memcpy(row->container_id, container, ACCESS_CONTAINER_SIZE);
    }
    if (!take_number(&line, FLAGS_MAX, &flags) || strlen(line) > ACCESS_STATE_TEXT_MAX)
        return false;
    row->may_open = (flags & MAY_OPEN) != 0;
    row->is_for_copies = (flags & IS_FOR_COPIES) != 0;
    memcpy(row->state_text, line, strlen(line) + 1);
    return true;
}

static bool read_errand(char *line, struct access_errand *ret)
{
    ret->base64 = take_word(&line);
    ret->text = line;
    return *ret->base64 != '\0' && *line != '\0' && strlen(line) <= ERRAND_LENGTH_MAX &&
           strspn(line, "0123456789abcdef givetaksp") == strlen(line);
}

static bool read_line(char *line, struct access_table *table)
{
    const char *kind = take_word(&line);

    if (strcmp(kind, "instance") == 0)
        return table->count < ACCESS_ENTRIES_MAX &&
               read_instance(line, &table->rows[table->count]) && ++table->count > 0;
    if (table->count == 0)
        return false;
    struct access_row *row = &table->rows[table->count - 1];
    if (strcmp(kind, "errand") == 0)
        return row->errand_count < ACCESS_COPIES_MAX &&
               read_errand(line, &row->errands[row->errand_count++]);
    if (strcmp(kind, "key") != 0)
        return false;
    if (row->key_count == ACCESS_KEYS_MAX)
        return false;
    row->keys[row->key_count++] = line;
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct access_row *left = a, *right = b;

    return left->instance_id < right->instance_id   ? -1
           : left->instance_id > right->instance_id ? 1
                                                    : 0;
}

bool access_table_read(char *text, struct access_table *ret_table, struct error *err)
{
    auto_access_table struct access_table table = {
        .text = text,
        .rows = calloc(ACCESS_ENTRIES_MAX, sizeof(struct access_row)),
    };

    if (table.rows == NULL)
        abort();
    for (char *line = text; *line != '\0';) {
        char *end = strchr(line, '\n');

        if (end == NULL)
            return error_set(err, ERROR_CORRUPT, "the table of instances is cut off");
        *end = '\0';
        if (!read_line(line, &table))
            return error_set(err, ERROR_CORRUPT, "the table of instances is malformed");
        line = end + 1;
    }
    qsort(table.rows, table.count, sizeof(struct access_row), compare);
    *ret_table = table;
    table = (struct access_table){ 0 };
    return true;
}

const struct access_row *access_table_find(const struct access_table *table, int64_t instance_id)
{
    const struct access_row wanted = { .instance_id = instance_id };

    if (table->count == 0)
        return NULL;
    return bsearch(&wanted, table->rows, table->count, sizeof(struct access_row), compare);
}

bool access_row_has_key(const struct access_row *row, const char *base64, const char **ret_errand)
{
    for (size_t i = 0; i < row->key_count; i++) {
        if (strcmp(row->keys[i], base64) != 0)
            continue;
        *ret_errand = "";
        return true;
    }
    for (size_t i = 0; i < row->errand_count; i++) {
        if (strcmp(row->errands[i].base64, base64) != 0)
            continue;
        *ret_errand = row->errands[i].text;
        return true;
    }
    return false;
}
