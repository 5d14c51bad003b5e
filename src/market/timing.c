/* SPDX-License-Identifier: Apache-2.0 */
#include "market/timing.h"

#include <assert.h>

#define MEMORY_SLACK_US INT64_C(250000) /* starting kernels, hashing pages */

int64_t timing_net_us(struct instant sent, struct instant committed, int64_t rtt_us, int64_t trips)
{
    int64_t trip_us = rtt_us < TIMING_RTT_MAX_US ? rtt_us : TIMING_RTT_MAX_US;
    int64_t net_us;

    assert(rtt_us >= 0 && trips >= 0 && trips < TIMING_ROUNDS_MAX);
    net_us = instant_until(sent, committed) - trips * trip_us;
    return net_us > 1 ? net_us : 1;
}

/* GFLOP/s are operations a nanosecond; below 2^63: n is at most 2^14 and rounds 2^12. */
int64_t timing_model_floor_us(const struct gpu_model *model, int64_t n, int64_t rounds)
{
    assert(n > 0 && n <= 16384 && rounds > 0 && rounds <= TIMING_ROUNDS_MAX);
    if (model == NULL || model->f16_gflops == 0)
        return 0;
    return 2 * n * n * n * rounds / (2 * model->f16_gflops) / 1000;
}

int64_t timing_floor_us(int64_t model_floor_us, int64_t class_count, int64_t fastest_us)
{
    return class_count >= TIMING_CLASS_MIN && fastest_us > model_floor_us ? fastest_us
                                                                          : model_floor_us;
}

/* Twice the size is eight times the work. */
int64_t timing_n(struct timing_sizes sizes, int64_t n, int64_t round_us)
{
    assert(sizes.least > 0 && sizes.most <= 16384 && sizes.rounds > 0);
    n = n < sizes.least ? sizes.least : n;
    round_us = round_us < 1 ? 1 : round_us;
    for (; n < sizes.most && round_us <= TIMING_NOMINAL_US / (16 * sizes.rounds); n *= 2)
        round_us *= 8;
    for (; n > sizes.least && (n > sizes.most || round_us > 2 * TIMING_NOMINAL_US / sizes.rounds);
         n /= 2)
        round_us /= 8;
    return n;
}

int64_t timing_rounds(int64_t round_us)
{
    int64_t rounds = TIMING_NOMINAL_US / (round_us > 0 ? round_us : 1);

    return rounds < 1 ? 1 : rounds > TIMING_ROUNDS_MAX ? TIMING_ROUNDS_MAX : rounds;
}

bool timing_is_shared(const struct timing_pair *gpus, size_t count)
{
    double alone = 0, together = 0;

    for (size_t i = 0; i < count; i++) {
        assert(gpus[i].alone_us > 0 && gpus[i].together_us > 0);
        alone += 1 / (double)gpus[i].alone_us;
        together += 1 / (double)gpus[i].together_us;
    }
    return together * 1e6 < alone * (double)TIMING_TOGETHER_PPM;
}

/* Every layer reads both halves and writes one: 1.5 times all of it. */
int64_t timing_memory_us(int64_t bytes, int64_t layers, int64_t memory_mbs)
{
    assert(bytes > 0 && layers > 0 && memory_mbs > 0);
    return (int64_t)((double)bytes * (double)layers * 1.5 / (0.6 * (double)memory_mbs));
}

bool timing_is_elsewhere(int64_t took_us, int64_t nominal_us)
{
    return took_us > nominal_us + nominal_us / 2 + MEMORY_SLACK_US;
}

/* In doubles: an amount of bytes times a million is too much for whole numbers. */
int64_t timing_amount(int64_t per_second, struct timing_bounds bounds)
{
    double amount = (double)per_second * ((double)TIMING_TRIAL_US / 1e6);

    assert(bounds.least > 0 && bounds.least <= bounds.most);
    return amount < (double)bounds.least  ? bounds.least
           : amount > (double)bounds.most ? bounds.most
                                          : (int64_t)amount;
}

/* Half as fast as it says is as honest machines are at times. */
bool timing_is_slower(int64_t took_us, int64_t amount, int64_t per_second)
{
    return per_second > 0 && (double)(took_us - TIMING_TRIAL_SLACK_US) >
                                 2 * ((double)amount / (double)per_second) * 1e6;
}

int64_t timing_per_second(int64_t amount, int64_t took_us)
{
    return (int64_t)((double)amount * 1e6 / (double)(took_us > 0 ? took_us : 1));
}
