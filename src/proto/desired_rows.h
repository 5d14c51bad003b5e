/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays of objects in a desired state; and those that came later, which are left out where they
 * are empty, since what runs is known by a hash of its spec's text: volumes, and what is gone. */

#ifndef BERTH_PROTO_DESIRED_ROWS_H
#define BERTH_PROTO_DESIRED_ROWS_H

#include "base/encode.h"
#include "proto/desired.h"
#include "proto/fields.h"

/* An array of objects, each a struct of `size` bytes. */
struct desired_rows {
    const char *name;
    size_t count_max, size;
    const struct field_list *list;
};

/* `ret_items` points to a pointer to them, in the arena. */
NODISCARD bool desired_rows_decode(const json_t *object, const struct desired_rows *rows,
                                   struct arena *arena, void *ret_items, struct error *err);

/* What an operation is called, and what it has because of that; one that nobody here knows is
 * OP_OTHER. */
extern const char *const desired_op_kinds[];
void desired_op_kind_encode(struct encoder *json, const struct desired_op *op);
NODISCARD bool desired_op_kind_decode(const json_t *object, struct arena *arena,
                                      struct desired_op *op, struct error *err);

void desired_volumes_encode(struct encoder *json, const struct instance_spec *spec);
NODISCARD bool desired_volumes_decode(const json_t *object, struct arena *arena,
                                      struct instance_spec *spec, struct error *err);

void desired_gone_encode(struct encoder *json, const struct desired *desired);
NODISCARD bool desired_gone_decode(const json_t *root, struct arena *arena, struct desired *desired,
                                   struct error *err);

#endif
