/* SPDX-License-Identifier: Apache-2.0 */
/* Who is connected: the keys of machines with a session, as this process knows them, and the polls
 * that wait for a change of the desired state.
 *
 * All of it is a view that can be lost: a key that is not here is read from the store again, a
 * poll that is let go for nothing comes again, and a wake-up that gets lost costs an agent no more
 * than the rest of POLL_HOLD_MS (control.md 4.2).
 *
 * A machine has at most one poll parked, so what waits here is bounded by the number of machines. A
 * second one takes the first one's place; one whose client was told already that nothing changed
 * (http_hold()) stays until then. Whoever means to park takes a ticket before looking at the
 * desired state; where a wake-up came in between, the ticket is no longer good, and they look
 * again. So no change is missed.
 *
 * One lock guards everything in the hub, and is never held while a poll is let go. */

#ifndef BERTH_SERVER_HUB_H
#define BERTH_SERVER_HUB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "sys/clock.h"
#include "sys/crypto.h"

struct hub;

enum hub_reason {
    HUB_CHANGED, /* look at the desired state again */
    HUB_DROPPED, /* another poll or epoch took its place, or the process stops: answer now */
};

/* Called without the hub's lock, exactly once for each poll that was parked. */
typedef void hub_release(void *poll, enum hub_reason reason);

struct hub *hub_open(const struct clock *clock, hub_release *release);

/* Lets go of every poll, and parks none from then on. */
void hub_stop(struct hub *hub);
void hub_close(struct hub **hub);

struct hub_session {
    int64_t machine_id, epoch;
    uint8_t public_key[PUBLIC_KEY_SIZE];
    struct instant key_until; /* it is good until then; INSTANT_NEVER: as long as the session */
};

/* The session that this process knows. False where it knows none of that epoch. */
NODISCARD bool hub_find(struct hub *hub, int64_t machine_id, int64_t epoch,
                        struct hub_session *ret_session);

/* Know this session from now on. A new epoch lets go of a poll of the old one; an older epoch than
 * the known one is ignored. */
void hub_admit(struct hub *hub, const struct hub_session *session);

/* Forget the machine's session, for one that was taken over or revoked. */
void hub_forget(struct hub *hub, int64_t machine_id);

/* The machine was heard of now. */
void hub_touch(struct hub *hub, int64_t machine_id);

/* It sent a heartbeat now. True where that was due: it is the first that this process hears, or the
 * one before came about HEARTBEAT_MS ago. One that comes early has something to tell. */
NODISCARD bool hub_beat(struct hub *hub, int64_t machine_id);

/* What hub_park() needs to know of before its caller looked at the desired state. */
uint64_t hub_ticket(struct hub *hub, int64_t machine_id);

/* Let `poll` wait for hub_wake(), or until it is displaced. False: a wake-up came since the
 * ticket, the machine is not known, or the hub has stopped, and the poll is not parked. */
NODISCARD bool hub_park(struct hub *hub, int64_t machine_id, uint64_t ticket, void *poll);

void hub_wake(struct hub *hub, int64_t machine_id);
void hub_wake_all(struct hub *hub);

struct hub_totals {
    int64_t known;     /* machines with a session */
    int64_t connected; /* heard of within the last LEASE_MS */
    int64_t parked;
    int64_t wakes; /* polls let go by hub_wake() since the start */
};
struct hub_totals hub_totals(struct hub *hub);

#endif
