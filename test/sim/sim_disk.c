/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_disk.h"

#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sys/fd.h"

enum {
    FILES_MAX = 256,
    NAME_SIZE = 512,
    REGIONS_MAX = 64,
    FILE_MAX = 256 << 20,
    REGION_SIZE = 32768
};

struct node {
    char name[NAME_SIZE]; /* "": a temporary one, or deleted */
    unsigned char *bytes;
    size_t length;
    int opened;
    /* Locks on the file: so many share it, and one may be on its way to have it alone. */
    int sharers;
    const void *reserver, *pender, *owner;
    /* Memory that its users share, and the locks on it. */
    void *regions[REGIONS_MAX];
    int region_users, slot_sharers[SQLITE_SHM_NLOCK];
    const void *slot_owners[SQLITE_SHM_NLOCK];
};

struct handle {
    sqlite3_file base;
    struct node *node;
    int level;
    unsigned shared_slots, owned_slots;
    bool is_mapped;
};

static struct {
    pthread_mutex_t lock; /* guards all of it */
    struct node *nodes[FILES_MAX];
    struct node places[FILES_MAX]; /* for them: the tests of memory that fails count every other */
    unsigned char *rooms[FILES_MAX]; /* of files that are gone, for others: they are warm */
    size_t room_count;
    sqlite3_vfs vfs;
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void enter(void)
{
    (void)pthread_mutex_lock(&disk.lock);
}

static int leave(int code)
{
    (void)pthread_mutex_unlock(&disk.lock);
    return code;
}

static struct handle *of(sqlite3_file *file)
{
    return (struct handle *)file;
}

/* The place of a file among the nodes; FILES_MAX: it is not there. */
static size_t find(const char *name)
{
    size_t i = 0;

    while (i < FILES_MAX && (disk.nodes[i] == NULL || strcmp(disk.nodes[i]->name, name) != 0))
        i++;
    return i;
}

static struct node *make(const char *name)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        if (disk.nodes[i] != NULL)
            continue;
        disk.nodes[i] = &disk.places[i];
        *disk.nodes[i] = (struct node){ .opened = 0 };
        (void)snprintf(disk.nodes[i]->name, NAME_SIZE, "%s", name);
        return disk.nodes[i];
    }
    abort(); /* the simulator leaves files behind */
}

static void release_regions(struct node *node)
{
    for (size_t i = 0; i < REGIONS_MAX; i++) {
        if (node->regions[i] != NULL)
            (void)munmap(node->regions[i], REGION_SIZE);
        node->regions[i] = NULL;
    }
}

/* Where nobody can come across it any more. */
static void drop_if_gone(struct node *node)
{
    if (node->opened > 0 || node->name[0] != '\0')
        return;
    for (size_t i = 0; i < FILES_MAX; i++)
        if (disk.nodes[i] == node)
            disk.nodes[i] = NULL;
    release_regions(node);
    if (node->bytes != NULL && disk.room_count < FILES_MAX)
        disk.rooms[disk.room_count++] = node->bytes;
    else if (node->bytes != NULL)
        (void)munmap(node->bytes, FILE_MAX);
}

/* Room for so many bytes, which never move. What is past the length is whatever it was. */
static void make_room(struct node *node, size_t length)
{
    assert(length <= FILE_MAX);
    if (node->bytes != NULL)
        return;
    if (disk.room_count > 0) {
        node->bytes = disk.rooms[--disk.room_count];
        return;
    }
    void *bytes = mmap(NULL, FILE_MAX, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (bytes == MAP_FAILED)
        abort();
    (void)madvise(bytes, FILE_MAX, MADV_HUGEPAGE); /* or more faults than anything else */
    node->bytes = bytes;
}

static int close_file(sqlite3_file *file)
{
    enter();
    assert(of(file)->level == SQLITE_LOCK_NONE);
    of(file)->node->opened--;
    drop_if_gone(of(file)->node);
    return leave(SQLITE_OK);
}

static int read_file(sqlite3_file *file, void *bytes, int amount, sqlite3_int64 offset)
{
    enter();
    const struct node *node = of(file)->node;
    size_t want = (size_t)amount, at = (size_t)offset;
    size_t has = at >= node->length ? 0 : node->length - at;

    has = has < want ? has : want;
    if (has > 0)
        memcpy(bytes, node->bytes + at, has);
    memset((char *)bytes + has, 0, want - has);
    return leave(has == want ? SQLITE_OK : SQLITE_IOERR_SHORT_READ);
}

static int write_file(sqlite3_file *file, const void *bytes, int amount, sqlite3_int64 offset)
{
    enter();
    struct node *node = of(file)->node;
    size_t end = (size_t)offset + (size_t)amount;

    make_room(node, end);
    if ((size_t)offset > node->length)
        memset(node->bytes + node->length, 0, (size_t)offset - node->length);
    memcpy(node->bytes + offset, bytes, (size_t)amount);
    node->length = end > node->length ? end : node->length;
    return leave(SQLITE_OK);
}

static int cut_file(sqlite3_file *file, sqlite3_int64 size)
{
    enter();
    if ((size_t)size < of(file)->node->length)
        of(file)->node->length = (size_t)size;
    return leave(SQLITE_OK);
}

static int sync_file(sqlite3_file *file, int flags)
{
    (void)file;
    (void)flags;
    return SQLITE_OK;
}

static int size_file(sqlite3_file *file, sqlite3_int64 *size)
{
    enter();
    *size = (sqlite3_int64)of(file)->node->length;
    return leave(SQLITE_OK);
}

/* The five levels of SQLite's locks on a file, among those who have it open here. */
static int lock_file(sqlite3_file *file, int level)
{
    enter();
    struct handle *handle = of(file);
    struct node *node = handle->node;

    if (handle->level >= level)
        return leave(SQLITE_OK);
    if (node->owner != NULL || (node->pender != NULL && node->pender != handle) ||
        (level >= SQLITE_LOCK_RESERVED && node->reserver != NULL && node->reserver != handle))
        return leave(SQLITE_BUSY);
    if (handle->level == SQLITE_LOCK_NONE)
        node->sharers++;
    handle->level = SQLITE_LOCK_SHARED;
    if (level == SQLITE_LOCK_RESERVED || level == SQLITE_LOCK_EXCLUSIVE)
        node->reserver = handle;
    if (level == SQLITE_LOCK_EXCLUSIVE) {
        node->pender = handle;
        handle->level = SQLITE_LOCK_PENDING;
        if (node->sharers > 1)
            return leave(SQLITE_BUSY);
        node->owner = handle;
    }
    handle->level = level;
    return leave(SQLITE_OK);
}

static int unlock_file(sqlite3_file *file, int level)
{
    enter();
    struct handle *handle = of(file);
    struct node *node = handle->node;

    if (handle->level <= level)
        return leave(SQLITE_OK);
    if (level == SQLITE_LOCK_NONE)
        node->sharers--;
    node->reserver = node->reserver == handle ? NULL : node->reserver;
    node->pender = node->pender == handle ? NULL : node->pender;
    node->owner = node->owner == handle ? NULL : node->owner;
    handle->level = level;
    return leave(SQLITE_OK);
}

static int check_lock(sqlite3_file *file, int *is_locked)
{
    enter();
    *is_locked = of(file)->node->reserver != NULL;
    return leave(SQLITE_OK);
}

static int control_file(sqlite3_file *file, int operation, void *argument)
{
    (void)file;
    (void)operation;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int sector_size(sqlite3_file *file)
{
    (void)file;
    return 512;
}

static int characteristics(sqlite3_file *file)
{
    (void)file;
    return 0; /* promises nothing */
}

static int map_shared(sqlite3_file *file, int region, int size, int extend, void volatile **at)
{
    enter();
    struct handle *handle = of(file);
    struct node *node = handle->node;

    assert(region < REGIONS_MAX);
    node->region_users += handle->is_mapped ? 0 : 1;
    handle->is_mapped = true;
    if (node->regions[region] == NULL && extend) {
        assert(size == REGION_SIZE);
        node->regions[region] =
            mmap(NULL, REGION_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (node->regions[region] == MAP_FAILED)
            abort();
    }
    *at = node->regions[region];
    return leave(SQLITE_OK);
}

static bool can_have(const struct handle *handle, unsigned slot, bool is_alone)
{
    const struct node *node = handle->node;
    int others = node->slot_sharers[slot] - (int)(handle->shared_slots >> slot & 1);
    const void *owner = node->slot_owners[slot];

    return (owner == NULL || owner == handle) && (!is_alone || others == 0);
}

static void take_slot(struct handle *handle, unsigned slot, bool is_alone)
{
    if (is_alone) {
        handle->node->slot_owners[slot] = handle;
        handle->owned_slots |= 1U << slot;
    } else if (!(handle->shared_slots >> slot & 1)) {
        handle->node->slot_sharers[slot]++;
        handle->shared_slots |= 1U << slot;
    }
}

static void give_slot(struct handle *handle, unsigned slot, bool is_alone)
{
    if (is_alone && handle->owned_slots >> slot & 1) {
        handle->node->slot_owners[slot] = NULL;
        handle->owned_slots &= ~(1U << slot);
    } else if (!is_alone && handle->shared_slots >> slot & 1) {
        handle->node->slot_sharers[slot]--;
        handle->shared_slots &= ~(1U << slot);
    }
}

static int lock_shared(sqlite3_file *file, int offset, int count, int flags)
{
    enter();
    bool is_alone = flags & SQLITE_SHM_EXCLUSIVE;

    for (int i = offset; flags & SQLITE_SHM_LOCK && i < offset + count; i++)
        if (!can_have(of(file), (unsigned)i, is_alone))
            return leave(SQLITE_BUSY);
    for (int i = offset; i < offset + count; i++)
        (flags & SQLITE_SHM_LOCK ? take_slot : give_slot)(of(file), (unsigned)i, is_alone);
    return leave(SQLITE_OK);
}

static void barrier_shared(sqlite3_file *file)
{
    (void)file;
    enter();
    (void)leave(SQLITE_OK);
}

static int unmap_shared(sqlite3_file *file, int must_delete)
{
    enter();
    struct handle *handle = of(file);

    if (handle->is_mapped && --handle->node->region_users == 0 && must_delete)
        release_regions(handle->node);
    handle->is_mapped = false;
    return leave(SQLITE_OK);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = cut_file,
    .xSync = sync_file,
    .xFileSize = size_file,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = check_lock,
    .xFileControl = control_file,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = map_shared,
    .xShmLock = lock_shared,
    .xShmBarrier = barrier_shared,
    .xShmUnmap = unmap_shared,
};

static int open_file(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags,
                     int *ret_flags)
{
    size_t place = FILES_MAX;

    (void)self;
    enter();
    *of(file) = (struct handle){ 0 };
    if (name != NULL)
        place = find(name);
    if (place == FILES_MAX && name != NULL && !(flags & SQLITE_OPEN_CREATE))
        return leave(SQLITE_CANTOPEN);
    of(file)->node = place < FILES_MAX ? disk.nodes[place] : make(name != NULL ? name : "");
    of(file)->node->opened++;
    file->pMethods = &methods;
    if (ret_flags != NULL)
        *ret_flags = flags;
    return leave(SQLITE_OK);
}

static int delete_file(sqlite3_vfs *self, const char *name, int is_synced)
{
    (void)self;
    (void)is_synced;
    enter();
    size_t place = find(name);
    if (place == FILES_MAX)
        return leave(SQLITE_IOERR_DELETE_NOENT);
    struct node *node = disk.nodes[place];
    node->name[0] = '\0';
    drop_if_gone(node);
    return leave(SQLITE_OK);
}

static int access_file(sqlite3_vfs *self, const char *name, int flags, int *ret_has)
{
    (void)self;
    (void)flags;
    enter();
    *ret_has = find(name) < FILES_MAX;
    return leave(SQLITE_OK);
}

static int full_name(sqlite3_vfs *self, const char *name, int size, char *ret_name)
{
    (void)self;
    return snprintf(ret_name, (size_t)size, "%s", name) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

void sim_disk_install(void)
{
    disk.vfs = *sqlite3_vfs_find(NULL); /* clocks, sleep and chance stay */
    disk.vfs.zName = "disk in memory";
    disk.vfs.szOsFile = (int)sizeof(struct handle);
    disk.vfs.xOpen = open_file;
    disk.vfs.xDelete = delete_file;
    disk.vfs.xAccess = access_file;
    disk.vfs.xFullPathname = full_name;
    if (sqlite3_vfs_register(&disk.vfs, 1) != SQLITE_OK)
        abort();
}

void sim_disk_copy(const char *from, const char *to)
{
    enter();
    size_t place = find(from);
    assert(place < FILES_MAX);
    struct node *copy = make(to);
    make_room(copy, disk.nodes[place]->length);
    copy->length = disk.nodes[place]->length;
    memcpy(copy->bytes, disk.nodes[place]->bytes, copy->length);
    (void)leave(SQLITE_OK);
}

void sim_disk_load(const char *path)
{
    auto_close int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count;

    enter();
    assert(file >= 0 && find(path) == FILES_MAX);
    struct node *node = make(path);
    make_room(node, 0);
    while ((count = read(file, node->bytes + node->length, FILE_MAX - node->length)) > 0)
        node->length += (size_t)count;
    assert(count == 0);
    (void)leave(SQLITE_OK);
}

struct hash sim_disk_hash(void)
{
    struct hash hashes[FILES_MAX + 1] = { 0 };
    size_t count = 0;

    enter();
    for (size_t i = 0; i < FILES_MAX; i++)
        if (disk.nodes[i] != NULL && disk.nodes[i]->name[0] != '\0') {
            hashes[count] = crypto_sha256(disk.nodes[i]->bytes, disk.nodes[i]->length);
            hashes[++count] = crypto_sha256(disk.nodes[i]->name, strlen(disk.nodes[i]->name));
            hashes[count - 1] = crypto_sha256(&hashes[count - 1], 2 * sizeof hashes[0]);
        }
    (void)leave(SQLITE_OK);
    return crypto_sha256(hashes, count * sizeof hashes[0]);
}

void sim_disk_break(void)
{
    (void)pthread_mutex_init(&disk.lock, NULL); /* whoever holds it never comes back */
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct node *node = disk.nodes[i];

        if (node == NULL)
            continue;
        release_regions(node);
        struct node left = { .bytes = node->bytes, .length = node->length };
        memcpy(left.name, node->name, NAME_SIZE);
        *node = left;
    }
}

void sim_disk_clear(const char *folder)
{
    size_t length = strlen(folder);

    enter();
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct node *node = disk.nodes[i];

        if (node == NULL || strncmp(node->name, folder, length) != 0 || node->name[length] != '/')
            continue;
        assert(node->opened == 0);
        node->name[0] = '\0';
        drop_if_gone(node);
    }
    (void)leave(SQLITE_OK);
}
