/* SPDX-License-Identifier: Apache-2.0 */
/* Members of the API's objects that several of them share: what is unknown is null, times are Unix
 * seconds, prices of traffic are per GB (api.md 1.5, 2.3.4). */

#ifndef BERTH_SERVER_FIELDS_H
#define BERTH_SERVER_FIELDS_H

#include "base/encode.h"
#include "base/instant.h"
#include "market/gpu_gauge.h"
#include "market/machine.h"
#include "market/offer.h"
#include "store/machine.h"

void field_null(struct encoder *json, const char *key);

/* Null where the text is "" or NULL; where the number is 0, which no such thing has; or below. */
void field_known_text(struct encoder *json, const char *key, const char *text);
void field_known_int(struct encoder *json, const char *key, int64_t value);

/* `value` / 10^decimals; and the same, null where it is 0 or below. */
void field_fixed(struct encoder *json, const char *key, int64_t value, int decimals);
void field_known_fixed(struct encoder *json, const char *key, int64_t value, int decimals);

/* Unix seconds; null at INSTANT_NEVER and at the epoch itself, which stands for never was. */
void field_time(struct encoder *json, const char *key, struct instant instant);

/* Seconds until then, or null at INSTANT_NEVER; not below 0. */
void field_until(struct encoder *json, const char *key, struct instant now, struct instant end);

/* `per_tb`, dollars for 2^40 bytes, as dollars per GB, rounded to a nanodollar. */
void field_per_gb(struct encoder *json, const char *key, struct money per_tb);

/* inet_up_cost and its three relatives. */
void fields_traffic_prices(struct encoder *json, struct money up_tb, struct money down_tb);

/* {gpuCostPerHour, diskHour, totalHour, ...}: api.md 2.3.4, search and instance. */
void field_price_parts(struct encoder *json, const char *key, struct money gpu_hour,
                       struct money disk_hour);

/* A machine's row and its facts, which outlive it, as the market sees them. */
struct machine machine_of_row(const struct machine_row *row, const struct machine_facts *facts,
                              struct instant now);

/* What offers, instances and machines all say of the machine itself: CPU, network, drivers, place,
 * standing. Not among them: what depends on the slice. */
void fields_machine(struct encoder *json, const struct machine *machine);

/* And of its GPUs, one by one: gpu_name, gpu_ram, gpu_arch, lanes, capability. */
void fields_gpu(struct encoder *json, const struct machine *machine);

/* Of a GPU: -1 is not known. What slows it down is said in words. */
void field_gauge(struct encoder *json, const char *key, int64_t value, int decimals);
void field_brakes(struct encoder *json, const char *key, int64_t brakes);

#endif
