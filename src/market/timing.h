/* SPDX-License-Identifier: Apache-2.0 */
/* What the server's clock says of a proof: how long it really took, and whether that can be.
 *
 * Being slow is no cheating: it only lowers what a machine is worth. What is suspicious is an
 * answer faster than any such GPU gives (it comes from other hardware, or was made ahead); GPUs
 * that together do much less than one after another (they are one); and memory that takes far
 * longer than the machine's own bandwidth needs (it lies elsewhere). Noise can look like each of
 * these once, so only what is seen in two tests running is held against a machine (market/audit.h).
 */

#ifndef BERTH_MARKET_TIMING_H
#define BERTH_MARKET_TIMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/instant.h"
#include "market/gpu.h"

#define TIMING_RTT_WINDOW_US (30 * 24 * US_PER_HOUR) /* the least round trip in it counts */
#define TIMING_RTT_MAX_US    INT64_C(300000) /* and no more of it: a host can only lengthen it */
#define TIMING_NOMINAL_US    (3 * US_PER_SECOND) /* what a proof should take */
#define TIMING_CELLS_US      INT64_C(50000) /* for answering a residency round, over the round trip */
#define TIMING_TOGETHER_PPM  INT64_C(850000) /* of what the GPUs do alone */

enum {
    TIMING_CLASS_MIN = 1000, /* times from which a thousandth can be told */
    TIMING_ROUNDS_MAX = 4096,
};

/* The work's own time: from when the challenge was sent to when the commitment came, without
 * `trips` round trips of the least that was seen. At least 1. */
int64_t timing_net_us(struct instant sent, struct instant committed, int64_t rtt_us, int64_t trips);

/* Multiply-adds of an n x n product over so many rounds, by the fastest path that such a GPU has:
 * bytes in tensor cores, which are twice as fast as halves. 0: nothing is known of the model. */
int64_t timing_model_floor_us(const struct gpu_model *model, int64_t n, int64_t rounds);

/* Below what time an answer is impossible: that of the class's fastest thousandth, once there are
 * TIMING_CLASS_MIN of them, but never below what the model's hardware can. */
int64_t timing_floor_us(int64_t model_floor_us, int64_t class_count, int64_t fastest_us);

/* The size of matrices, a power of two from `least` to `most`, of which so many rounds fit into
 * TIMING_NOMINAL_US on what took `round_us` for one of the size `n`: larger where twice the time
 * would be left, smaller where it takes twice as long, so that noise does not move it. */
struct timing_sizes {
    int64_t least, most, rounds;
};
int64_t timing_n(struct timing_sizes sizes, int64_t n, int64_t round_us);

/* Rounds that take TIMING_NOMINAL_US where one takes `round_us`: 1 to TIMING_ROUNDS_MAX. */
int64_t timing_rounds(int64_t round_us);

/* Whether GPUs share one: what each took alone and together with the others, for the same work.
 * Both above 0. */
struct timing_pair {
    int64_t alone_us, together_us;
};
bool timing_is_shared(const struct timing_pair *gpus, size_t count);

/* How long filling and mixing that many bytes in so many layers takes at a bandwidth of so many
 * MB/s, of which mixing gets six tenths; and whether it took so much longer that some of it lies
 * elsewhere. */
int64_t timing_memory_us(int64_t bytes, int64_t layers, int64_t memory_mbs);
bool timing_is_elsewhere(int64_t took_us, int64_t nominal_us);

/* Of a disk or a network that is said to carry so much a second: how much it is asked to carry, for
 * about TIMING_TRIAL_US, within bounds; and whether it took so long that it cannot be true. What it
 * has shown. */
#define TIMING_TRIAL_US       (2 * US_PER_SECOND)
#define TIMING_TRIAL_SLACK_US INT64_C(750000) /* for beginning, and for the network's moods */
struct timing_bounds {
    int64_t least, most;
};
int64_t timing_amount(int64_t per_second, struct timing_bounds bounds);
bool timing_is_slower(int64_t took_us, int64_t amount, int64_t per_second);
int64_t timing_per_second(int64_t amount, int64_t took_us);

#endif
