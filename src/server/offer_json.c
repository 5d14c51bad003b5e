/* SPDX-License-Identifier: Apache-2.0 */
#include "server/offer_json.h"

#include <assert.h>
#include <string.h>

#include "server/fields.h"

/* Whatever the search compares is shown as the search computed it. */
static bool flag_of(enum query_field field, const struct catalog_hit *hit,
                    const struct query_caller *asker)
{
    const struct query_subject subject = { .offer = hit->offer, .quote = &hit->quote };

    return query_field_value(field, &subject, asker).number != 0;
}

static void field_score(struct encoder *json, const char *key, double value)
{
    if (value > 0)
        encode_field_real(json, key, value);
    else
        field_null(json, key);
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
    field_score(json, "dlperf", quote.dlperf);
    field_score(json, "total_flops", quote.total_tflops);
    encode_field_money(json, "storage_cost", offer->terms.disk_month);
    field_fixed(json, "discount_rate", discount_ppm, 6);
    field_fixed(json, "credit_discount_max", discount_ppm, 6);
    fields_traffic_prices(json, offer->terms.up_tb, offer->terms.down_tb);
    encode_field_real(json, "reliability_mult",
                      offer_reliability(offer->machine->reliability_ppm, 0));
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
    fields_gpu(json, offer->machine);
    fields_machine(json, offer->machine);
    encode_terms(json, offer);
    encode_field_bool(json, "is_bid", offer->is_bid);
    encode_field_bool(json, "vms_enabled", false);
    field_known_text(json, "hostname", offer->machine->hostname);
    encode_field_text(json, "public_ipaddr", "");
    field_time(json, "start_date", offer->terms.start);
    field_time(json, "end_date", offer->terms.end);
    encode_field_bool(json, "is_rented", offer->renter_id != 0);
    field_time(json, "rented_until",
               offer->renter_id != 0 ? offer->terms.end : (struct instant){ 0 });
    encode_field_text(json, "time_remaining", "");
    encode_field_text(json, "time_remaining_isbid", "");
}

/* Four amounts stand in twelve places of every offer: each is written once, and copied between the
 * names, which are ready too. */
static void encode_amounts(struct encoder *json, const struct quote *quote)
{
    enum { BASE, TOTAL, STORAGE, DISCOUNTED, AMOUNTS };
    static const struct {
        const char *before;
        int amount;
    } pieces[] = {
        { "\"dph_base\":", BASE },
        { ",\"dph_total\":", TOTAL },
        { ",\"storage_total_cost\":", STORAGE },
        { ",\"discounted_dph_total\":", DISCOUNTED },
        { ",\"discounted_hourly\":", DISCOUNTED },
        { ",\"search\":{\"gpuCostPerHour\":", BASE },
        { ",\"diskHour\":", STORAGE },
        { ",\"totalHour\":", TOTAL },
        { ",\"discountTotalHour\":0,\"discountedTotalPerHour\":", TOTAL },
        { "},\"instance\":{\"gpuCostPerHour\":0,\"diskHour\":", STORAGE },
        { ",\"totalHour\":", STORAGE },
        { ",\"discountTotalHour\":0,\"discountedTotalPerHour\":", STORAGE },
    };
    enum { PIECES = sizeof pieces / sizeof pieces[0], BEFORE_MAX = 64 };
    char amounts[AMOUNTS][ENCODE_MONEY_SIZE], text[PIECES * (BEFORE_MAX + ENCODE_MONEY_SIZE) + 1];
    const size_t lengths[AMOUNTS] = {
        [BASE] = encode_money_text(amounts[BASE], quote->base),
        [TOTAL] = encode_money_text(amounts[TOTAL], quote->total),
        [STORAGE] = encode_money_text(amounts[STORAGE], quote->storage),
        [DISCOUNTED] = encode_money_text(amounts[DISCOUNTED], quote->discounted),
    };
    size_t length = 0;

    for (int i = 0; i < PIECES; i++) {
        size_t before = strlen(pieces[i].before);

        assert(before <= BEFORE_MAX);
        memcpy(text + length, pieces[i].before, before);
        memcpy(text + length + before, amounts[pieces[i].amount], ENCODE_MONEY_SIZE);
        length += before + lengths[pieces[i].amount];
    }
    text[length++] = '}';
    encode_members(json, text, length);
}

/* What the asker's kind of rental, disk and duration make of the prices. */
static void encode_price(struct encoder *json, const struct offer *offer, const struct quote *quote)
{
    int64_t ram_mb = offer->machine->gpu_ram_mb * offer->terms.num_gpus;

    encode_amounts(json, quote);
    field_score(json, "dlperf_per_dphtotal", quote->dlperf_per_dollar);
    field_score(json, "flops_per_dphtotal", quote->tflops_per_dollar);
    encode_field_real(json, "score", quote->score);
    if (ram_mb > 0)
        encode_field_real(json, "vram_costperhour", offer_dollars(quote->total) / (double)ram_mb);
    else
        field_null(json, "vram_costperhour");
}

void offer_encode_asked(struct encoder *json, const struct catalog_hit *hit,
                        const struct query_caller *asker)
{
    encode_price(json, hit->offer, &hit->quote);
    encode_field_bool(json, "rentable", flag_of(QUERY_RENTABLE, hit, asker));
    encode_field_bool(json, "rented", flag_of(QUERY_RENTED, hit, asker));
    field_until(json, "duration", asker->now, hit->offer->terms.end);
}

void offer_encode(struct encoder *json, const struct catalog_hit *hit,
                  const struct query_caller *asker)
{
    encode_object(json);
    if (hit->offer->json != NULL)
        encode_members(json, hit->offer->json, hit->offer->json_length);
    else
        offer_encode_fixed(json, hit->offer);
    offer_encode_asked(json, hit, asker);
    encode_end(json);
}
