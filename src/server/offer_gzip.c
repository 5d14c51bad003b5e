/* SPDX-License-Identifier: Apache-2.0 */
#include "server/offer_gzip.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/gzip.h"
#include "server/offer_json.h"
#include "server/offer_memo.h"

enum { ROW_USUAL = 256 }; /* bytes of a compressed row, with what is stored behind it */

static const char head[] = "{\"offers\":[";

/* Of one hit: its text, and what stands behind its last part. */
struct row {
    const struct offer *offer;
    struct offer_text text;
    size_t length; /* of the parts */
    size_t tail_length;
    char tail[sizeof((struct offer_text *)0)->left + 2];
};

static void read_row(struct row *row, const struct offer *offer, const struct offer_ask *ask,
                     const struct query_caller *asker)
{
    assert(offer->json != NULL && offer->memo != NULL);
    row->offer = offer;
    offer_text_of(&row->text, offer, ask, asker);
    row->length = 0;
    for (int i = 0; i < OFFER_PARTS; i++)
        row->length += row->text.lengths[i];
    memcpy(row->tail, row->text.left, row->text.left_length);
    row->tail_length = row->text.left_length;
    row->tail[row->tail_length++] = '}';
}

static void sum_up(const struct row *row, struct gzip_known *known)
{
    *known = (struct gzip_known){ .bytes = "",
                                  .text_length = row->length,
                                  .shift = gzip_shift(row->length) };
    for (int i = 0; i < OFFER_PARTS; i++)
        known->crc = gzip_crc(known->crc, row->text.parts[i], row->text.lengths[i]);
}

/* Nothing is before it: it is stored as it is. */
static struct gzip begin(struct buf *out, const struct row *row, char *bytes)
{
    const struct offer_row_key key = { .flags = row->text.flags };
    struct offer_memo_text *kept = row->text.kept;
    auto_buf struct buf text = buf_of(GZIP_STORED_MAX);
    struct gzip_known known;

    if (kept == NULL || !offer_memo_row(kept, &key, bytes, &known)) {
        sum_up(row, &known);
        if (kept != NULL)
            offer_memo_keep_row(kept, &key, &known);
    }
    buf_append(&text, head, sizeof head - 1);
    for (int i = 0; i < OFFER_PARTS; i++)
        buf_append(&text, row->text.parts[i], row->text.lengths[i]);
    buf_append(&text, row->tail, row->tail_length);
    assert(!text.has_overflowed); /* stock.h bounds the one, OFFER_ASKED_MAX all others. */
    uint32_t crc = gzip_join(gzip_crc(0, head, sizeof head - 1), &known);

    return gzip_of(out, text.bytes, text.length, gzip_crc(crc, row->tail, row->tail_length));
}

static size_t compare(const struct row *row, const struct row *last, size_t distance, char *bytes,
                      size_t room)
{
    struct gzip_part parts[OFFER_PARTS];
    size_t at = distance;

    for (int i = 0; i < OFFER_PARTS; i++) {
        parts[i] = (struct gzip_part){ row->text.parts[i], last->text.parts[i],
                                       row->text.lengths[i], last->text.lengths[i], at };
        at += row->text.lengths[i] - last->text.lengths[i];
    }
    return gzip_compare(parts, OFFER_PARTS, bytes, room);
}

/* Behind the last one, whose tail and a comma are in the stream. */
static void add(struct gzip *gzip, const struct row *row, const struct row *last, char *bytes,
                size_t room)
{
    const struct offer_row_key key = {
        .last_edition = last->offer->memo->edition,
        .last_id = last->offer->id,
        .distance = last->length + last->tail_length,
        .flags = row->text.flags,
        .last_flags = last->text.flags,
    };
    struct offer_memo_text *kept = row->text.kept;
    struct gzip_known known;

    if (kept == NULL || !offer_memo_row(kept, &key, bytes, &known))
        sum_up(row, &known);
    if (known.length == 0) {
        known.bytes = bytes;
        known.length = compare(row, last, key.distance, bytes, room);
        assert(known.length > 0);
        if (kept != NULL)
            offer_memo_keep_row(kept, &key, &known);
    }
    gzip_row(gzip, &known, row->tail, row->tail_length);
}

/* Of the longest of them, as text. */
static size_t longest_of(const struct catalog_hit *hits, size_t count)
{
    size_t most = 0;

    for (size_t i = 0; i < count; i++)
        most = hits[i].offer->json_length > most ? hits[i].offer->json_length : most;
    return most + OFFER_ASKED_MAX;
}

void offer_gzip(struct buf *out, const struct catalog_hit *hits, size_t count,
                const struct offer_ask *ask, const struct query_caller *asker)
{
    struct row rows[2];
    size_t longest = longest_of(hits, count), room = 2 * longest + OFFER_ROW_MAX;
    auto_free char *bytes = malloc(room);
    struct gzip gzip;

    assert(count > 0);
    if (bytes == NULL)
        abort(); /* As base/buf.h says. */
    (void)buf_make_room(out, longest + count * ROW_USUAL);
    for (size_t i = 0; i < count; i++) {
        struct row *row = &rows[i % 2];

        read_row(row, hits[i].offer, ask, asker);
        if (i + 1 < count)
            row->tail[row->tail_length++] = ',';
        if (i == 0)
            gzip = begin(out, row, bytes);
        else
            add(&gzip, row, &rows[1 - i % 2], bytes, room);
    }
    gzip_end(&gzip, "]}", 2);
}
