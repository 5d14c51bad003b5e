/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_feed.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "sys/thread.h"

enum { BLOCKS = 4 }; /* one is filled, one is worked on, and two wait */

struct check_feed {
    check_feed_work *work;
    void *context;
    pthread_t thread;

    pthread_mutex_t lock; /* guards what follows; a block belongs to whose turn it is */
    pthread_cond_t moved;
    uint64_t sent, done;
    bool is_over;
    struct check_block blocks[BLOCKS]; /* number n is at n % BLOCKS */
};

static struct check_block *block_of(struct check_feed *feed, uint64_t number)
{
    return &feed->blocks[number % BLOCKS];
}

static void *run(void *context)
{
    struct check_feed *feed = context;

    (void)pthread_mutex_lock(&feed->lock);
    for (;;) {
        while (feed->done == feed->sent && !feed->is_over)
            (void)pthread_cond_wait(&feed->moved, &feed->lock);
        if (feed->done == feed->sent)
            break;
        struct check_block *block = block_of(feed, feed->done);
        (void)pthread_mutex_unlock(&feed->lock);
        feed->work(feed->context, block);
        (void)pthread_mutex_lock(&feed->lock);
        feed->done++;
        (void)pthread_cond_signal(&feed->moved);
    }
    (void)pthread_mutex_unlock(&feed->lock);
    return NULL;
}

static void release(struct check_feed *feed)
{
    (void)pthread_cond_destroy(&feed->moved);
    (void)pthread_mutex_destroy(&feed->lock);
    free(feed);
}

static void empty(struct check_block *block)
{
    block->journal_count = block->leg_count = block->seal_count = 0;
}

bool check_feed_start(check_feed_work *work, void *context, struct check_feed **ret,
                      struct error *err)
{
    struct check_feed *feed = malloc(sizeof *feed); /* large, and mostly never touched */

    if (feed == NULL)
        abort();
    feed->work = work;
    feed->context = context;
    feed->sent = feed->done = 0;
    feed->is_over = false;
    for (size_t i = 0; i < BLOCKS; i++)
        empty(&feed->blocks[i]);
    (void)pthread_mutex_init(&feed->lock, NULL);
    (void)pthread_cond_init(&feed->moved, NULL);
    if (!thread_start(&feed->thread, run, feed, err)) {
        release(feed);
        return false;
    }
    *ret = feed;
    return true;
}

struct check_block *check_feed_block(struct check_feed *feed)
{
    return block_of(feed, feed->sent); /* only the sender changes it */
}

void check_feed_send(struct check_feed *feed)
{
    (void)pthread_mutex_lock(&feed->lock);
    feed->sent++;
    (void)pthread_cond_signal(&feed->moved);
    while (feed->sent - feed->done == BLOCKS)
        (void)pthread_cond_wait(&feed->moved, &feed->lock);
    (void)pthread_mutex_unlock(&feed->lock);
    empty(check_feed_block(feed));
}

void check_feed_finish(struct check_feed **feed)
{
    (void)pthread_mutex_lock(&(*feed)->lock);
    (*feed)->is_over = true;
    (void)pthread_cond_signal(&(*feed)->moved);
    (void)pthread_mutex_unlock(&(*feed)->lock);
    (void)pthread_join((*feed)->thread, NULL);
    assert((*feed)->done == (*feed)->sent);
    release(*feed);
    *feed = NULL;
}
