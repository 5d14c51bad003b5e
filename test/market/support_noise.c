/* SPDX-License-Identifier: Apache-2.0 */
#include "market/support_noise.h"

#include <math.h>

#include "check.h"

double noise_uniform(void)
{
    return ((double)check_random(UINT64_C(1) << 52) + 0.5) / (double)(UINT64_C(1) << 52);
}

double noise_normal(void)
{
    return sqrt(-2 * log(noise_uniform())) * cos(2 * acos(-1.0) * noise_uniform());
}

double noise_exponential(double mean)
{
    return -mean * log(noise_uniform());
}

double noise_time_us(double nominal_us)
{
    double took_us =
        nominal_us * exp(NOISE_TIME * noise_normal()) + noise_exponential(NOISE_NET_US);

    return noise_uniform() < NOISE_HESITATES ? took_us + noise_exponential(NOISE_WAIT_US) : took_us;
}

double noise_below(double x)
{
    return erfc(-x / sqrt(2)) / 2;
}

double noise_margin(double trials, double part)
{
    return 3.9 * sqrt(trials * part * (1 - part)) + 1;
}
