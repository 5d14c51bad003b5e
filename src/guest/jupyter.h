/* SPDX-License-Identifier: Apache-2.0 */
/* A Jupyter server out of the image, kept running beside whatever else the container does.
 *
 * It speaks plain HTTP and listens at the container's own loopback alone: it is reached through an
 * SSH forward, which is encrypted, and where browsers trust http://localhost. Its token is in
 * $JUPYTER_TOKEN, where Jupyter looks by itself, and so in no list of processes. */

#ifndef BERTH_GUEST_JUPYTER_H
#define BERTH_GUEST_JUPYTER_H

struct jupyter {
    const char *app; /* "lab", "notebook": which one, where the image has both; NULL: no Jupyter */
    const char *dir; /* the folder that it opens with; NULL: the user's own */
};

/* Start it in the background; it is started again when it ends. */
void jupyter_start(const struct jupyter *jupyter);

#endif
