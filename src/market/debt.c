/* SPDX-License-Identifier: Apache-2.0 */
#include "market/debt.h"

#include <assert.h>

struct money debt_given_up(struct money owed, struct money young)
{
    assert(owed.nanodollars >= 0 && young.nanodollars >= 0);
    /* What came lately is what is left unpaid longest. */
    struct money old = { owed.nanodollars > young.nanodollars ? owed.nanodollars - young.nanodollars
                                                              : 0 };
    bool is_all = young.nanodollars == 0;
    return is_all || old.nanodollars >= DEBT_PART_MIN ? old : (struct money){ 0 };
}
