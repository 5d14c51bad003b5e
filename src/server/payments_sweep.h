/* SPDX-License-Identifier: Apache-2.0 */
/* The nightly look at everything (payments_inside.h): payments_sweep(). */

#ifndef BERTH_SERVER_PAYMENTS_SWEEP_H
#define BERTH_SERVER_PAYMENTS_SWEEP_H

#include "server/payments_inside.h"

#endif
