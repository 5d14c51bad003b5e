/* SPDX-License-Identifier: Apache-2.0 */
#include "market/peers.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "market/identity.h"
#include "market/support_noise.h"

static void test_the_median_is_usual(void **state)
{
    static const struct {
        int64_t of[6];
        size_t count;
        int64_t want;
    } rows[] = {
        { { 0 }, 0, 0 },          { { 5, 7 }, 2, 0 },       { { 5, 7, 0 }, 3, 0 },
        { { 9, 1, 5 }, 3, 5 },    { { 9, 1, 5, 7 }, 4, 5 }, { { 9, 0, 1, 0, 5, 7 }, 6, 5 },
        { { 1, 1, 1, 9 }, 4, 1 },
    };
    struct dlperf_rates peers[PEERS_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        for (int rate = 0; rate < DLPERF_RATES; rate++) {
            memset(peers, 0, sizeof peers);
            for (size_t j = 0; j < rows[i].count; j++)
                peers[j].of[rate] = rows[i].of[j];
            struct dlperf_rates usual = peers_usual(peers, rows[i].count);
            for (int other = 0; other < DLPERF_RATES; other++)
                CHECK_INT(usual.of[other], other == rate ? rows[i].want : 0);
        }
    }
    for (size_t j = 0; j < PEERS_MAX; j++)
        peers[j].of[DLPERF_F32] = (int64_t)(PEERS_MAX - j);
    CHECK_INT(peers_usual(peers, PEERS_MAX).of[DLPERF_F32], (PEERS_MAX + 1) / 2);
}

/* A card at 300 of its 450 W is a slow one of its kind, and no other. */
static void test_who_is_far_from_it_is_apart(void **state)
{
    static const struct {
        double times;
        bool f32, f16, bandwidth;
    } rows[] = {
        { 1, false, false, false },   { 0.77, false, false, true }, { 1.19, false, false, false },
        { 1.21, false, false, true }, { 1.42, false, false, true }, { 1.45, true, false, true },
        { 1.60, true, true, true },   { 0.60, true, true, true },   { 0.71, false, false, true },
    };
    const struct dlperf_rates usual = { { 1000000, 1000000, 1000000, 1000000, 1000000 } };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct dlperf_rates own;

        check_row("%zu", i);
        for (int rate = 0; rate < DLPERF_RATES; rate++)
            own.of[rate] = llround(1e6 * rows[i].times);
        unsigned want =
            (rows[i].f32 ? 1u << DLPERF_F32 : 0) | (rows[i].bandwidth ? 1u << DLPERF_BANDWIDTH : 0);
        if (rows[i].f16)
            want |= 1u << DLPERF_F16 | 1u << DLPERF_TF32 | 1u << DLPERF_BF16;
        CHECK_INT(peers_apart(&usual, &own), want);
        own = (struct dlperf_rates){ 0 };
        CHECK_INT(peers_apart(&usual, &own), 0);
    }
    CHECK_INT(peers_apart(&(struct dlperf_rates){ 0 }, &usual), 0);
}

static struct dlperf_rates measure(void)
{
    static const enum identity_axis axes[DLPERF_RATES] = {
        IDENTITY_F16, IDENTITY_F32, IDENTITY_F16, IDENTITY_F16, IDENTITY_BANDWIDTH,
    };
    double luck[IDENTITY_AXES];
    struct dlperf_rates rates;

    for (int i = 0; i < IDENTITY_AXES; i++)
        luck[i] = NOISE_CARD * noise_normal() + NOISE_RUN * noise_normal();
    for (int rate = 0; rate < DLPERF_RATES; rate++)
        rates.of[rate] = llround(1e6 * exp(luck[axes[rate]] * identity_deviation(axes[rate])));
    return rates;
}

/* Cards as they are among others of their kind: hardly ever one of them is looked at for that; and
 * one that carries another's name is, even where a third of its peers do, too. */
static void test_honest_ones_are_left_alone(void **state)
{
    enum { MARKETS = 4000, HOSTS = 9, LIARS = 3 };
    int alarms = 0, caught = 0;

    (void)state;
    for (int i = 0; i < MARKETS; i++) {
        struct dlperf_rates peers[HOSTS], own = measure(), liar = measure();

        for (int j = 0; j < HOSTS; j++)
            peers[j] = measure();
        struct dlperf_rates usual = peers_usual(peers, HOSTS);
        alarms += peers_apart(&usual, &own) != 0 ? 1 : 0;
        for (int rate = 0; rate < DLPERF_RATES; rate++) {
            liar.of[rate] /= 2;
            for (int j = 0; j < LIARS; j++)
                peers[j].of[rate] /= 2;
        }
        usual = peers_usual(peers, HOSTS);
        caught += peers_apart(&usual, &liar) != 0 ? 1 : 0;
    }
    CHECK(alarms < MARKETS / 50);
    CHECK(caught > MARKETS * 98 / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_median_is_usual),
        cmocka_unit_test(test_who_is_far_from_it_is_apart),
        cmocka_unit_test(test_honest_ones_are_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
