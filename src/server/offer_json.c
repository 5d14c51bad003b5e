/* SPDX-License-Identifier: Apache-2.0 */
#include "server/offer_json.h"

#include <string.h>

#include "market/meter.h"
#include "server/fields.h"
#include "server/offer_memo.h"

/* Whatever the search compares is shown as the search computed it. A flag has nothing to do with
 * prices. */
static bool flag_of(enum query_field field, const struct offer *offer,
                    const struct query_caller *asker)
{
    return query_field_value(field, &(struct query_subject){ .offer = offer }, asker).number != 0;
}

static void field_score(struct encoder *json, const char *key, double value)
{
    if (value > 0)
        encode_field_real(json, key, value);
    else
        field_null(json, key);
}

/* Members that nothing here is known for: older clients look for them. */
static void encode_unknown(struct encoder *json)
{
    static const char *const keys[] = {
        "geolocode",      "logo",           "webpage",        "cluster_id",
        "nw_disk_min_bw", "nw_disk_max_bw", "nw_disk_avg_bw",
    };

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        field_null(json, keys[i]);
}

/* Space for volumes on the same machine, and what an hour of all of it costs. */
static void encode_volumes(struct encoder *json, const struct machine *machine)
{
    int64_t left_gb = machine->volume_left_gb;

    field_known_int(json, "avail_vol_ask_id", machine->volume_offer_id);
    field_known_int(json, "avail_vol_size", left_gb);
    if (left_gb > 0)
        encode_field_money(json, "avail_vol_dph",
                           offer_storage_hour(machine->volume_month, left_gb * INT64_C(1000)));
    else
        field_null(json, "avail_vol_dph");
}

/* A slice without GPUs has none, which is known. */
static void encode_gpu_ids(struct encoder *json, const struct offer *offer)
{
    if (offer->gpu_ids == NULL && offer->terms.num_gpus > 0)
        return field_null(json, "gpu_ids");
    encode_key(json, "gpu_ids");
    encode_array(json);
    for (int64_t i = 0; i < offer->terms.num_gpus; i++)
        encode_int(json, offer->gpu_ids[i]);
    encode_end(json);
}

static void encode_slice(struct encoder *json, const struct offer *offer)
{
    const struct machine *machine = offer->machine;
    int64_t gpus = offer->terms.num_gpus;

    encode_field_int(json, "num_gpus", gpus);
    encode_field_int(json, "gpu_total_ram", machine->gpu_ram_mb * gpus);
    encode_field_real(json, "gpu_frac",
                      machine->gpu_count > 0 ? (double)gpus / (double)machine->gpu_count : 1);
    field_fixed(json, "cpu_cores_effective", machine_share(machine, gpus).cpu_millis, 3);
    encode_field_int(json, "disk_space", offer_disk_gb(offer));
    encode_field_text(json, "resource_type", machine->gpu_count > 0 ? "gpu" : "cpu");
}

/* The host's prices, and what a price does not change. */
static void encode_terms(struct encoder *json, const struct offer *offer)
{
    const struct quote quote = offer_quote(offer, &(struct offer_ask){ .disk_milligb = 0 });
    int64_t discount_ppm = offer->discount_max_ppm;

    encode_field_money(json, "min_bid", quote.min_bid);
    field_time(json, "dlperf_measured", offer->machine->measured);
    field_time(json, "dlperf_stale_at", offer->machine->stale);
    field_score(json, "total_flops", quote.total_tflops);
    encode_field_money(json, "storage_cost", offer->terms.disk_month);
    encode_field_text(json, "storage_when_offline", offer->skips_disk_offline ? "skip" : "charge");
    field_fixed(json, "discount_rate", discount_ppm, 6);
    field_fixed(json, "credit_discount_max", discount_ppm, 6);
    field_fixed(json, "platform_fee", FEE_BPS_DEFAULT, 4);
    fields_traffic_prices(json, offer->terms.up_tb, offer->terms.down_tb);
    encode_field_real(json, "reliability_mult", offer_lasts(offer->machine, 0));
    field_fixed(json, "expected_reliability", offer->machine->reliability_ppm, 6);
}

void offer_encode_fixed(struct encoder *json, const struct offer *offer)
{
    encode_field_int(json, "id", offer->id);
    encode_field_int(json, "ask_contract_id", offer->id);
    encode_field_int(json, "bundle_id", offer->bundle_id);
    encode_field_int(json, "bundled_results", 1);
    encode_field_int(json, "machine_id", offer->machine->id);
    encode_field_int(json, "host_id", offer->machine->host_id);
    encode_slice(json, offer);
    encode_gpu_ids(json, offer);
    fields_gpu(json, offer->machine);
    fields_machine(json, offer->machine);
    encode_field_bool(json, "encrypted_workspace", offer->machine->encrypts_workspaces);
    encode_terms(json, offer);
    encode_field_bool(json, "is_bid", offer->is_bid);
    encode_field_bool(json, "vms_enabled", false);
    encode_field_bool(json, "is_vm_deverified", false);
    field_known_text(json, "hostname", offer->machine->hostname);
    encode_field_text(json, "public_ipaddr", "");
    field_time(json, "start_date", offer->terms.start);
    field_time(json, "end_date", offer->terms.end);
    encode_field_bool(json, "is_rented", offer->renter_id != 0);
    field_time(json, "rented_until",
               offer->renter_id != 0 ? offer->terms.end : (struct instant){ 0 });
    encode_volumes(json, offer->machine);
    encode_unknown(json);
    encode_field_text(json, "time_remaining", "");
    encode_field_text(json, "time_remaining_isbid", "");
}

/* What follows is written into room that is known to be enough, between names that are ready. */
static char *put(char *at, const char *text, size_t length)
{
    memcpy(at, text, length);
    return at + length;
}
#define PUT(at, literal) put(at, literal, sizeof(literal) - 1)

/* Four amounts stand in twelve places of every offer: each is worked out once. */
struct amount {
    char text[ENCODE_FIXED_SIZE];
    size_t length;
};

static struct amount amount_of(struct money money)
{
    struct amount amount;

    amount.length = encode_fixed_text(amount.text, money.nanodollars, 9);
    return amount;
}

/* All of its room is copied, which is faster than as much as is used. */
static char *put_amount(char *at, const struct amount *amount)
{
    memcpy(at, amount->text, sizeof amount->text);
    return at + amount->length;
}

static char *put_amounts(char *at, const struct quote *quote)
{
    const struct amount base = amount_of(quote->base), storage = amount_of(quote->storage);
    const struct amount total = amount_of(quote->total);
    const struct amount discounted = amount_of(quote->discounted);

    at = put_amount(PUT(at, "\"dph_base\":"), &base);
    at = put_amount(PUT(at, ",\"dph_total\":"), &total);
    at = put_amount(PUT(at, ",\"storage_total_cost\":"), &storage);
    at = put_amount(PUT(at, ",\"discounted_dph_total\":"), &discounted);
    at = put_amount(PUT(at, ",\"discounted_hourly\":"), &discounted);
    at = put_amount(PUT(at, ",\"search\":{\"gpuCostPerHour\":"), &base);
    at = put_amount(PUT(at, ",\"diskHour\":"), &storage);
    at = put_amount(PUT(at, ",\"totalHour\":"), &total);
    at = put_amount(PUT(at, ",\"discountTotalHour\":0,\"discountedTotalPerHour\":"), &total);
    at = put_amount(PUT(at, "},\"instance\":{\"gpuCostPerHour\":0,\"diskHour\":"), &storage);
    at = put_amount(PUT(at, ",\"totalHour\":"), &storage);
    at = put_amount(PUT(at, ",\"discountTotalHour\":0,\"discountedTotalPerHour\":"), &storage);
    return PUT(at, "}");
}

static char *put_real(char *at, double value)
{
    return at + encode_real_text(at, value);
}

static char *put_score(char *at, double value)
{
    return value > 0 ? put_real(at, value) : PUT(at, "null");
}

static char *put_quote(char *at, const struct offer *offer, const struct quote *quote)
{
    int64_t ram_mb = offer->machine->gpu_ram_mb * offer->terms.num_gpus;

    at = put_amounts(at, quote);
    /* Left out, not null: clients order by it, and take none for 0, but cannot compare nulls. */
    if (quote->dlperf > 0)
        at = put_real(PUT(at, ",\"dlperf\":"), quote->dlperf);
    at = put_score(PUT(at, ",\"dlperf_per_dphtotal\":"), quote->dlperf_per_dollar);
    at = put_score(PUT(at, ",\"flops_per_dphtotal\":"), quote->tflops_per_dollar);
    at = put_real(PUT(at, ",\"score\":"), quote->score);
    at = PUT(at, ",\"vram_costperhour\":");
    return ram_mb > 0 ? put_real(at, offer_dollars(quote->total) / (double)ram_mb)
                      : PUT(at, "null");
}

/* What the asker's kind of rental, disk and duration make of the prices. */
static void read_price(struct offer_text *text, const struct offer *offer,
                       const struct offer_ask *ask)
{
    text->kept = offer->memo != NULL ? offer_memo_find(offer->memo, ask) : NULL;
    if (text->kept != NULL) {
        text->parts[OFFER_PRICE] = text->kept->text;
        text->lengths[OFFER_PRICE] = text->kept->length;
        return;
    }
    const struct quote quote = offer_quote(offer, ask);
    size_t length = (size_t)(put_quote(text->room, offer, &quote) - text->room);

    text->parts[OFFER_PRICE] = text->room;
    text->lengths[OFFER_PRICE] = length;
    if (offer->memo != NULL)
        offer_memo_keep(offer->memo, ask, text->room, length);
}

static void read_flags(struct offer_text *text, const struct offer *offer,
                       const struct query_caller *asker)
{
    static const char *const rows[] = {
        ",\"rentable\":false,\"rented\":false,\"duration\":",
        ",\"rentable\":true,\"rented\":false,\"duration\":",
        ",\"rentable\":false,\"rented\":true,\"duration\":",
        ",\"rentable\":true,\"rented\":true,\"duration\":",
    };

    text->flags = (flag_of(QUERY_RENTABLE, offer, asker) ? 1u : 0u) |
                  (flag_of(QUERY_RENTED, offer, asker) ? 2u : 0u);
    text->parts[OFFER_FLAGS] = rows[text->flags];
    text->lengths[OFFER_FLAGS] = strlen(rows[text->flags]);
}

/* Seconds with all six decimals: what follows an offer then is where it was a moment ago. */
static void read_left(struct offer_text *text, struct instant now, struct instant end)
{
    int64_t left_us = instant_until(now, end);
    char *at = text->left;

    left_us = left_us > 0 ? left_us : 0;
    if (instant_compare(end, INSTANT_NEVER) == 0) {
        at = PUT(at, "null");
    } else {
        int64_t decimals = left_us % US_PER_SECOND;

        at += encode_fixed_text(at, left_us / US_PER_SECOND, 0);
        /* A one in front keeps the zeros behind it; the point takes its place. */
        (void)encode_fixed_text(at, US_PER_SECOND + decimals, 0);
        *at = '.';
        at += sizeof ".000000" - 1;
    }
    text->left_length = (size_t)(at - text->left);
}

void offer_text_of(struct offer_text *text, const struct offer *offer, const struct offer_ask *ask,
                   const struct query_caller *asker)
{
    /* With the bracket in front and the comma behind (server/stock.h). */
    text->parts[OFFER_FIXED] = offer->json != NULL ? offer->json - 1 : NULL;
    text->lengths[OFFER_FIXED] = offer->json != NULL ? offer->json_length + 2 : 0;
    read_price(text, offer, ask);
    read_flags(text, offer, asker);
    read_left(text, asker->now, offer->terms.end);
}

/* All but the first part. */
static size_t put_asked(char *room, const struct offer_text *text)
{
    char *at = put(room, text->parts[OFFER_PRICE], text->lengths[OFFER_PRICE]);

    at = put(at, text->parts[OFFER_FLAGS], text->lengths[OFFER_FLAGS]);
    return (size_t)(put(at, text->left, text->left_length) - room);
}

void offer_encode_asked(struct encoder *json, const struct offer *offer,
                        const struct offer_ask *ask, const struct query_caller *asker)
{
    struct offer_text text;
    char room[OFFER_ASKED_MAX];

    offer_text_of(&text, offer, ask, asker);
    encode_members(json, room, put_asked(room, &text));
}

/* In one go, if the members for everybody are ready and there is room. */
static bool copy_ahead(struct encoder *json, const struct offer_text *text)
{
    size_t fixed = text->lengths[OFFER_FIXED], most = fixed + OFFER_ASKED_MAX;
    char *room = fixed > 0 ? encode_raw_room(json, most) : NULL;

    if (room == NULL)
        return false;
    char *at = put(room, text->parts[OFFER_FIXED], fixed);

    at = PUT(at + put_asked(at, text), "}");
    encode_raw_claim(json, (size_t)(at - room));
    return true;
}

void offer_encode(struct encoder *json, const struct offer *offer, const struct offer_ask *ask,
                  const struct query_caller *asker)
{
    struct offer_text text;
    char room[OFFER_ASKED_MAX];

    offer_text_of(&text, offer, ask, asker);
    if (copy_ahead(json, &text))
        return;
    encode_object(json);
    if (offer->json != NULL)
        encode_members(json, offer->json, offer->json_length);
    else
        offer_encode_fixed(json, offer);
    encode_members(json, room, put_asked(room, &text));
    encode_end(json);
}
