/* SPDX-License-Identifier: Apache-2.0 */
/* How long until an instance of an image runs on a machine: from what that machine took for others,
 * and what a pull of that image was. Nothing is guessed: what was not measured is not known. */

#ifndef BERTH_MARKET_IMAGE_START_H
#define BERTH_MARKET_IMAGE_START_H

#include <stdbool.h>
#include <stdint.h>

struct image_start_facts {
    bool is_cached;     /* the machine has the image */
    int64_t pull_bytes; /* what a pull of all of it fetches; below 0: no pull was measured */
    int64_t pull_rate; /* bytes a second from a pull's begin to its end, there; below 1: the same */
    int64_t start_ms;  /* from then on until it runs, there; below 0: the same */
};

/* In milliseconds; -1: not known. */
int64_t image_start_ms(const struct image_start_facts *facts);

/* A running mean in which the newest counts for a quarter. `mean` below 0: this is the first. */
int64_t image_start_mean(int64_t mean, int64_t newest);

#endif
