/* SPDX-License-Identifier: Apache-2.0 */
#include "server/stock.h"

#include <assert.h>
#include <string.h>

#include "server/offer_json.h"
#include "server/offer_memo.h"

enum { OFFER_JSON_MAX = 32 * 1024 };

static void *must(void *memory)
{
    if (memory == NULL)
        abort(); /* As base/buf.h says. */
    return memory;
}

static void keep_texts(struct arena *arena, struct machine *machine)
{
    const char **texts[] = {
        &machine->hostname, &machine->os_version,     &machine->cpu_name,
        &machine->cpu_arch, &machine->disk_name,      &machine->public_ip,
        &machine->gpu_name, &machine->driver_version, &machine->geolocation,
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = must(arena_text(arena, *texts[i]));
}

static const int64_t *keep_ids(struct arena *arena, const struct offer *offer)
{
    size_t size = (size_t)offer->terms.num_gpus * sizeof offer->gpu_ids[0];

    return offer->gpu_ids == NULL || size == 0
               ? NULL
               : memcpy(must(arena_alloc(arena, 1, size)), offer->gpu_ids, size);
}

/* The members, between a bracket and a comma: others follow. */
static void write_ahead(struct arena *arena, struct offer *offer)
{
    auto_buf struct buf text = buf_of(OFFER_JSON_MAX);
    struct encoder json = encoder_of(&text);

    encode_object(&json);
    offer_encode_fixed(&json, offer);
    buf_append(&text, ",", 1);
    /* Its texts have limits of their own, far below. */
    assert(!text.has_overflowed && text.length > 2);
    const char *whole = must(arena_copy(arena, text.bytes, text.length));
    offer->json = whole + 1;
    offer->json_length = text.length - 2;
}

struct stock *stock_of(int64_t machine_id, const struct offer *offers, size_t count,
                       uint64_t edition)
{
    struct stock *stock = must(calloc(1, sizeof *stock));

    stock->offers.machine_id = machine_id;
    stock->arena = arena_of(SIZE_MAX / 4);
    if (count == 0)
        return stock;
    struct machine *machine = must(arena_alloc(&stock->arena, 1, sizeof *machine));
    struct offer *copies = must(arena_alloc(&stock->arena, count, sizeof *copies));

    *machine = *offers[0].machine;
    assert(machine->id == machine_id);
    keep_texts(&stock->arena, machine);
    for (size_t i = 0; i < count; i++) {
        copies[i] = offers[i];
        copies[i].machine = machine;
        copies[i].gpu_ids = keep_ids(&stock->arena, &offers[i]);
        offer_prepare(&copies[i]);
        write_ahead(&stock->arena, &copies[i]);
        copies[i].memo = must(arena_alloc(&stock->arena, 1, sizeof *copies[i].memo));
        copies[i].memo->edition = edition;
    }
    stock->offers.offers = copies;
    stock->offers.count = count;
    return stock;
}

void stock_release(struct stock **stock)
{
    if (*stock == NULL)
        return;
    for (size_t i = 0; i < (*stock)->offers.count; i++)
        offer_memo_clear((*stock)->offers.offers[i].memo);
    arena_release(&(*stock)->arena);
    free(*stock);
    *stock = NULL;
}
