/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at what a provider has: objects, lists, and what is behind an event (payments_inside.h).
 */

#ifndef BERTH_SERVER_PAYMENTS_LOOK_H
#define BERTH_SERVER_PAYMENTS_LOOK_H

#include "server/payments_inside.h"

#endif
