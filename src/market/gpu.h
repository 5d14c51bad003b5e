/* SPDX-License-Identifier: Apache-2.0 */
/* GPU models: the names the market uses for them, and what their makers say of them.
 *
 * A driver says "NVIDIA GeForce RTX 4080 SUPER", the market says "RTX 4080S" (api.md, appendix
 * D). The memory size is not part of a name. Facts about models come from data/gpus.csv; a model
 * that is not in it can be rented all the same. */

#ifndef BERTH_MARKET_GPU_H
#define BERTH_MARKET_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GPU_NAME_SIZE = 64 };

#define GPU_COMPUTE_CAP_MIN INT64_C(600) /* GTX 10 series: older ones are not admitted */

struct gpu_model {
    const char *name; /* "RTX 4090" */
    const char *architecture;
    int64_t compute_cap; /* times 100 */
    int64_t memory_gb;
    int64_t fp32_gflops;
    int64_t f16_gflops; /* sustained, by tensor cores with fp32 sums where it has them; partly an
                         * estimate */
    int64_t memory_mbs; /* bandwidth, MB/s */
    int64_t power_w;
};

/* The market's name for what the driver calls it; printable and never empty ("unknown GPU").
 * Returns `name`. */
char *gpu_name(const char *driver_name, char name[static GPU_NAME_SIZE]);

/* Whether two names are the same to a search: case, '_' and '-' against a space do not count. */
bool gpu_name_matches(const char *a, const char *b);

/* How names that match are all written, cut to `size`. Returns `folded`. */
char *gpu_name_fold(const char *name, char *folded, size_t size);

/* Whether it is of before the GTX 10 series: by its compute capability, times 100, and where that
 * is not known, 0, by its name. */
bool gpu_is_too_old(const char *name, int64_t compute_cap);

/* NULL for a model that is not in the table. */
const struct gpu_model *gpu_model(const char *name);
const struct gpu_model *gpu_models(size_t *ret_count); /* sorted by name */

/* The market's other names: models that are not in the table. */
const char *const *gpu_bare_names(size_t *ret_count);

#endif
