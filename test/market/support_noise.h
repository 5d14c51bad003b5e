/* SPDX-License-Identifier: Apache-2.0 */
/* The noise that trials of cheats and honest machines are run with.
 *
 * A card is a little better or worse than its model for ever, and each run of it a little better or
 * worse than the card: both are half a deviation, normal in logarithms. A time is its nominal one
 * times e^N(0, 3 %), the network adds an exponential wait of 5 ms in the mean, and in one run of a
 * hundred the machine hesitates, for 200 ms in the mean. */

#ifndef BERTH_TEST_MARKET_SUPPORT_NOISE_H
#define BERTH_TEST_MARKET_SUPPORT_NOISE_H

#define NOISE_CARD      0.5 /* deviations */
#define NOISE_RUN       0.5
#define NOISE_TIME      0.03
#define NOISE_NET_US    5e3
#define NOISE_HESITATES 0.01
#define NOISE_WAIT_US   200e3

double noise_uniform(void); /* above 0, below 1 */
double noise_normal(void);
double noise_exponential(double mean);

/* What is measured of something that takes so long. */
double noise_time_us(double nominal_us);

/* The normal distribution's part below x. */
double noise_below(double x);

/* How many of `trials` are within what chance allows of `part`: 3.9 standard deviations, one in
 * 10,000 falls out, and one more for what is nearly always or never. */
double noise_margin(double trials, double part);

#endif
