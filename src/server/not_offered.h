/* SPDX-License-Identifier: Apache-2.0 */
/* What other markets that speak this API have, and Berth has not: who asks for it is told so,
 * rather than that an address is wrong. */

#ifndef BERTH_SERVER_NOT_OFFERED_H
#define BERTH_SERVER_NOT_OFFERED_H

/* "clusters of machines", to go behind "Berth offers no"; NULL: the path is nothing of that kind.
 */
const char *not_offered(const char *path);

#endif
