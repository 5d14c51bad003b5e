/* SPDX-License-Identifier: Apache-2.0 */
/* The far ends of copies.
 *
 * As the vendor's clients make them: rsync's own daemon protocol over SSH, with the instance as a
 * module, `rsync -e ssh vastai_kaalia@HOST::7001/path .` (api.md 2.9).
 *
 * And from instance to instance, where neither end may do more than the one copy: `give` is a
 * daemon that has nothing but what was named, and cannot be written to; `take` is rsync's client,
 * whose transport is our standard input and output, and whose words for people go to standard
 * error. */

#ifndef BERTH_GUEST_COPY_H
#define BERTH_GUEST_COPY_H

/* Become rsync, serving the whole container under the names "ID" and "C.ID". */
int copy_main(const char *id);

/* Become rsync, serving the path alone, as module "copy"; paths are in hexadecimal, from the root
 * and as rsync reads them: with a slash at its end it is what is in a folder. From "/" to "/" is an
 * instance's whole disk: without what is mounted there, without what each machine writes itself
 * (addresses, names). Nothing is deleted. */
int copy_give_main(const char *path);
int copy_take_main(const char *from, const char *to);

/* What that client calls in ssh's place: it only moves bytes. */
int copy_carry_main(void);

#endif
