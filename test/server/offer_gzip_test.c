/* SPDX-License-Identifier: Apache-2.0 */
#include "server/offer_gzip.h"

#include <pthread.h>
#include <string.h>

#include "check.h"
#include "server/offer_json.h"
#include "server/offer_memo.h"
#include "server/stock.h"
#include "support_gunzip.h"

#define NOW ((struct instant){ INT64_C(1795330553000000) })

enum { MACHINES = 12, OFFERS_EACH = 3, OFFERS = MACHINES * OFFERS_EACH, BYTES_MAX = 1 << 20 };

static const char *const names[] = { "", "box", "a \"box\", \\,\"x\":1", "Göteborg", "RTX 4090" };

static const char *some_name(void)
{
    return names[check_random(sizeof names / sizeof names[0])];
}

static struct stock *a_stock(int64_t machine_id, uint64_t edition)
{
    struct machine machine = {
        .id = machine_id,
        .host_id = (int64_t)check_random(1000),
        .hostname = some_name(),
        .os_version = some_name(),
        .cpu_name = some_name(),
        .cpu_arch = "amd64",
        .disk_name = some_name(),
        .public_ip = "",
        .driver_version = "570.86.15",
        .gpu_name = some_name(),
        .geolocation = check_random(2) == 0 ? "Oslo, NO" : "",
        .gpu_count = 4,
        .gpu_ram_mb = (int64_t)check_random(90000),
        .gpus_free = (int64_t)check_random(5),
        .disk_free_gb = (int64_t)check_random(2000),
        .is_connected = check_random(3) != 0,
        .reliability_ppm = (int64_t)check_random(1000001),
        .fp32_gflops = (int64_t)check_random(100000),
        .dlperf_milli = (int64_t)check_random(2) * 100000,
        .inet_up_kbps = (int64_t)check_random(1000000),
    };
    struct offer offers[OFFERS_EACH];

    for (int i = 0; i < OFFERS_EACH; i++)
        offers[i] = (struct offer){
            .id = machine_id * OFFERS_EACH + i,
            .machine = &machine,
            .renter_id = (int64_t)check_random(3) + 4,
            .terms = { .num_gpus = 1 << i,
                       .gpu_hour = { (int64_t)check_random(UINT64_C(1)
                                                           << (10 + check_random(30))) },
                       .disk_month = { 150000000 },
                       .disk_gb = 500,
                       .end = check_random(4) == 0
                                  ? INSTANT_NEVER
                                  : (struct instant){ NOW.microseconds +
                                                      (int64_t)check_random(1ULL << 42) } }
        };
    return stock_of(machine_id, offers, OFFERS_EACH, edition);
}

static struct stock *stocks[MACHINES];
static uint64_t edition;

static int open_market(void **state)
{
    (void)state;
    for (int i = 0; i < MACHINES; i++)
        stocks[i] = a_stock(i + 1, ++edition);
    return 0;
}

static int close_market(void **state)
{
    (void)state;
    for (int i = 0; i < MACHINES; i++)
        stock_release(&stocks[i]);
    return 0;
}

static struct offer_ask some_ask(void)
{
    return (struct offer_ask){ .type = (enum offer_type)check_random(3),
                               .disk_milligb = (int64_t)check_random(3) * 8000,
                               .profile = (enum dlperf_profile)check_random(2) };
}

/* Some of them, in any order; neighbours often stay neighbours. */
static size_t some_hits(struct catalog_hit *hits)
{
    size_t count = 1 + check_random(OFFERS), first = check_random(OFFERS);

    for (size_t i = 0; i < count; i++) {
        size_t at = check_random(5) == 0 ? check_random(OFFERS) : (first + i) % OFFERS;

        hits[i] =
            (struct catalog_hit){ .offer =
                                      &stocks[at / OFFERS_EACH]->offers.offers[at % OFFERS_EACH] };
    }
    return count;
}

static void write_plain(struct buf *out, const struct catalog_hit *hits, size_t count,
                        const struct offer_ask *ask, const struct query_caller *asker)
{
    struct encoder json = encoder_of(out);

    encode_object(&json);
    encode_key(&json, "offers");
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        offer_encode(&json, hits[i].offer, ask, asker);
    encode_end(&json);
    encode_end(&json);
}

/* What is decoded is the plain reply, whoever asks, whatever was asked for and changed before. */
static void test_what_is_decoded_is_the_plain_reply(void **state)
{
    size_t plain_bytes = 0, packed_bytes = 0;

    (void)state;
    for (int round = 0; round < 300; round++) {
        auto_buf struct buf packed = buf_of(BYTES_MAX), got = buf_of(BYTES_MAX),
                            plain = buf_of(BYTES_MAX);
        struct catalog_hit hits[OFFERS];
        size_t count = some_hits(hits);
        const struct offer_ask ask = some_ask();
        const struct query_caller asker = { instant_add(NOW, (int64_t)check_random(1ULL << 40)),
                                            (int64_t)check_random(4) + 3 };

        offer_gzip(&packed, hits, count, &ask, &asker);
        write_plain(&plain, hits, count, &ask, &asker);
        check_gunzip(&packed, &got);
        check_row("round %d, %zu offers", round, count);
        CHECK_TEXT(got.bytes, plain.bytes);
        plain_bytes += plain.length;
        packed_bytes += packed.length;
        if (check_random(4) == 0) {
            size_t machine = check_random(MACHINES);

            stock_release(&stocks[machine]);
            stocks[machine] = a_stock((int64_t)machine + 1, ++edition);
        }
    }
    /* Offers that have little in common: real ones are an eighth and less. */
    CHECK(packed_bytes < plain_bytes / 3);
}

/* The second time, most of it is kept: not one byte is others than the first time. */
static void test_what_is_kept_is_what_was_written(void **state)
{
    const struct offer_ask ask = { .type = OFFER_ON_DEMAND, .disk_milligb = 8000 };
    const struct query_caller asker = { NOW, 5 };
    auto_buf struct buf first = buf_of(BYTES_MAX);
    struct catalog_hit hits[OFFERS];

    (void)state;
    for (size_t i = 0; i < OFFERS; i++)
        hits[i].offer = &stocks[i / OFFERS_EACH]->offers.offers[i % OFFERS_EACH];
    for (int time = 0; time < 3; time++) {
        auto_buf struct buf packed = buf_of(BYTES_MAX);
        size_t kept = 0;

        for (size_t i = 0; i < OFFERS; i++) {
            struct offer_memo_text *text = offer_memo_find(hits[i].offer->memo, &ask);

            kept += text != NULL && atomic_load(&text->row) != NULL;
        }
        check_row("time %d", time);
        /* The first sees no price kept; the second keeps rows, and of the first row its sums. */
        CHECK(time < 2 ? kept == 0 : kept > OFFERS / 2);
        offer_gzip(&packed, hits, OFFERS, &ask, &asker);
        if (time == 0)
            buf_append(&first, packed.bytes, packed.length);
        CHECK(packed.length == first.length);
        CHECK(memcmp(packed.bytes, first.bytes, first.length) == 0);
    }
}

enum { THREADS = 3, ROUNDS = 100 };
static atomic_int wrong_count;

static void *ask_on(void *context)
{
    const int *which = context;

    for (int round = 0; round < ROUNDS; round++) {
        auto_buf struct buf packed = buf_of(BYTES_MAX), got = buf_of(BYTES_MAX),
                            plain = buf_of(BYTES_MAX);
        struct catalog_hit hits[OFFERS];
        const struct offer_ask ask = { .type = OFFER_ON_DEMAND,
                                       .disk_milligb = 1000 * (round % 3) };
        const struct query_caller asker = { NOW, 5 };

        /* Two ways through them, in turn: each keeps rows in place of those that the other may be
         * looking for at that moment. */
        for (size_t i = 0; i < OFFERS; i++) {
            size_t at = i * ((*which + round) % 2 == 0 ? 5 : 7) % OFFERS;

            hits[i].offer = &stocks[at / OFFERS_EACH]->offers.offers[at % OFFERS_EACH];
        }
        offer_gzip(&packed, hits, OFFERS, &ask, &asker);
        write_plain(&plain, hits, OFFERS, &ask, &asker);
        check_gunzip(&packed, &got);
        if (got.length != plain.length || memcmp(got.bytes, plain.bytes, got.length) != 0)
            atomic_fetch_add(&wrong_count, 1);
    }
    return NULL;
}

static void test_many_may_ask_at_once(void **state)
{
    pthread_t threads[THREADS];
    int which[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        which[i] = i;
        CHECK_INT(pthread_create(&threads[i], NULL, ask_on, &which[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    CHECK_INT(atomic_load(&wrong_count), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_decoded_is_the_plain_reply, open_market,
                                        close_market),
        cmocka_unit_test_setup_teardown(test_what_is_kept_is_what_was_written, open_market,
                                        close_market),
        cmocka_unit_test_setup_teardown(test_many_may_ask_at_once, open_market, close_market),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
