/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the world by name, for those who do not mind in which country of it a machine is. */

#ifndef BERTH_MARKET_REGION_H
#define BERTH_MARKET_REGION_H

#include <stddef.h>

/* Two-letter country codes side by side, "ATBEBG...", of "EU", "Europe", "North America", "South
 * America", "Asia", "Africa" or "Oceania"; case, '_' and '-' against a space do not count. NULL:
 * no such region. */
const char *region_countries(const char *name);

/* The continent of a country's code: "Europe"; "" where it is in none. */
const char *region_continent(const char country[static 2]);

#endif
