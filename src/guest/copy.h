/* SPDX-License-Identifier: Apache-2.0 */
/* The far end of a copy as the vendor's clients make it: rsync's own daemon protocol over SSH, with
 * the instance as a module, `rsync -e ssh vastai_kaalia@HOST::7001/path .` (api.md 2.9). */

#ifndef BERTH_GUEST_COPY_H
#define BERTH_GUEST_COPY_H

/* Become rsync, serving the whole container under the names "ID" and "C.ID". */
int copy_main(const char *id);

#endif
