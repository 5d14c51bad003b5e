/* SPDX-License-Identifier: Apache-2.0 */
/* The market on one machine as rows have it, for market/auction.h. Inside src/flow/; reads only.
 *
 * Eligible is who has lifetime, whose owner's credit lasts, and who starts by itself. A bid that
 * was told to make way competes for its place like those who wait, but holds its GPUs until its
 * host has confirmed that it stopped. */

#ifndef BERTH_FLOW_HALL_H
#define BERTH_FLOW_HALL_H

#include "base/arena.h"
#include "market/auction.h"
#include "market/line.h"
#include "store/contender.h"
#include "store/idle_job.h"
#include "store/machine.h"

struct hall {
    const struct machine_row *machine;
    struct auction_facts facts;
    struct contender_row *rows; /* all of them */
    size_t row_count;
    /* The eligible ones of classes 1 and 2, in the places of their facts, and the idle jobs. */
    const struct contender_row **firm_rows, **bid_rows, **idle_rows;
    struct auction_firm *firms;
    struct auction_bid *bids;
    size_t idle_count;
    struct auction_floor floor;
};

NODISCARD bool hall_load(struct db *db, const struct machine_row *machine, struct instant now,
                         struct arena *arena, struct hall *ret, struct error *err);

/* Leave out a bid, by its place: it turned out not to be eligible. */
void hall_drop_bid(struct hall *hall, size_t place);

/* Whether anybody could start on the machine now. */
bool hall_is_open(const struct machine_row *machine);

/* What a bid for the slice must be to run now, in ticks; -1: none would. `except`: the contract
 * whose bid it is, or 0. */
int64_t hall_quote(const struct hall *hall, int64_t num_gpus, int64_t except);

/* Where one that waits stands in line. `*ret_has` is false where it does not wait here. */
NODISCARD bool hall_line(const struct hall *hall, int64_t contract_id, struct arena *arena,
                         struct line_place *ret, bool *ret_has, struct error *err);

/* Places that an instance of so many GPUs takes: a machine without GPUs is one. */
int64_t hall_places(int64_t num_gpus);

#endif
