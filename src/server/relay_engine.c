/* SPDX-License-Identifier: Apache-2.0 */
#include "server/relay_engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/parse.h"
#include "server/relay_calls.h"
#include "server/relay_flows.h"
#include "server/relay_links.h"
#include "sys/fd.h"
#include "sys/thread.h"

enum {
    BACKLOG = 512,
    EVENTS_MAX = 256,
    TICK_MS = 250,
    LISTEN_AGAIN_TICKS = 4,
    KEPT_DESCRIPTORS = 256, /* for the rest of the program */
    CALLS_LEAST = 16,
};

void relay_list_init(struct relay_node *head)
{
    head->next = head->previous = head;
}

void relay_list_add(struct relay_node *head, struct relay_node *node)
{
    node->next = head;
    node->previous = head->previous;
    head->previous->next = node;
    head->previous = node;
}

void relay_list_remove(struct relay_node *node)
{
    if (node->next == NULL)
        return;
    node->next->previous = node->previous;
    node->previous->next = node->next;
    node->next = node->previous = NULL;
}

bool relay_list_is_empty(const struct relay_node *head)
{
    return head->next == head;
}

bool relay_watch(struct relay_engine *engine, int fd, uint32_t events, struct relay_watch *watch)
{
    struct epoll_event wanted = { .events = events, .data.ptr = watch };

    return epoll_ctl(engine->epoll, EPOLL_CTL_ADD, fd, &wanted) == 0;
}

void relay_unwatch(struct relay_engine *engine, int fd)
{
    if (fd >= 0)
        (void)epoll_ctl(engine->epoll, EPOLL_CTL_DEL, fd, NULL);
}

bool relay_same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    bool is_four = a->ss_family == AF_INET;
    size_t at =
        is_four ? offsetof(struct sockaddr_in, sin_addr) : offsetof(struct sockaddr_in6, sin6_addr);

    /* Of IPv6 a customer has a /64. */
    return a->ss_family == b->ss_family &&
           memcmp((const char *)a + at, (const char *)b + at, is_four ? 4 : 8) == 0;
}

int relay_listen(const char *address, uint16_t port, int type)
{
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    bool is_four = inet_pton(AF_INET, address, &four.sin_addr) == 1;
    const int yes = 1;

    if (!is_four && inet_pton(AF_INET6, address, &six.sin6_addr) != 1) {
        errno = EINVAL;
        return -1;
    }
    int fd = socket(is_four ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (type == SOCK_STREAM)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    else if (is_four)
        (void)setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &yes, sizeof yes);
    else
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &yes, sizeof yes);
    const struct sockaddr *where =
        is_four ? (const struct sockaddr *)&four : (const struct sockaddr *)&six;
    if (bind(fd, where, is_four ? sizeof four : sizeof six) != 0 ||
        (type == SOCK_STREAM && listen(fd, BACKLOG) != 0)) {
        int reason = errno;

        fd_release(&fd);
        errno = reason;
    }
    return fd;
}

struct relay_machine *relay_find_machine(const struct relay_engine *engine, int64_t id)
{
    uint32_t place = idmap_find(&engine->machine_map, id);

    return place == IDMAP_NONE ? NULL : engine->machines[place];
}

/* Routes */

static void *grow(void *table, size_t count, size_t size)
{
    /* By powers of two: more room is needed exactly when there are that many. */
    if (count != 0 && (count & (count - 1)) != 0)
        return table;
    void *more = realloc(table, (count == 0 ? 1 : 2 * count) * size);
    if (more == NULL)
        abort();
    return more;
}

static struct relay_machine *keep_machine(struct relay_engine *engine,
                                          const struct relay_route *route)
{
    struct relay_machine *machine = relay_find_machine(engine, route->machine_id);

    if (machine == NULL) {
        machine = calloc(1, sizeof *machine);
        if (machine == NULL)
            abort();
        machine->id = route->machine_id;
        machine->lost_ms = engine->now_ms; /* it has just been told to come */
        engine->machines =
            grow(engine->machines, engine->machine_count, sizeof(struct relay_machine *));
        idmap_put(&engine->machine_map, machine->id, (uint32_t)engine->machine_count);
        engine->machines[engine->machine_count++] = machine;
    }
    machine->is_kept = true;
    machine->epoch = route->epoch;
    relay_take_keys(engine, machine, route);
    return machine;
}

static struct relay_instance *keep_instance(struct relay_engine *engine,
                                            const struct relay_route *route)
{
    uint32_t place = idmap_find(&engine->instance_map, route->contract_id);
    struct relay_instance *instance;

    if (place != IDMAP_NONE) {
        instance = engine->instances[place];
    } else {
        instance = calloc(1, sizeof *instance);
        if (instance == NULL)
            abort();
        instance->id = route->contract_id;
        engine->instances =
            grow(engine->instances, engine->instance_count, sizeof(struct relay_instance *));
        idmap_put(&engine->instance_map, instance->id, (uint32_t)engine->instance_count);
        engine->instances[engine->instance_count++] = instance;
    }
    instance->is_kept = true;
    instance->machine = keep_machine(engine, route);
    return instance;
}

static void listen_port(struct relay_engine *engine, struct relay_port *port)
{
    if (port->protocol == RELAYING_HTTPS && engine->https == NULL)
        return;
    port->listener = port->protocol == RELAYING_UDP
                         ? relay_flows_open(engine, port)
                         : relay_listen(engine->options.bind, port->port, SOCK_STREAM);
    bool is_heard =
        port->listener >= 0 && relay_watch(engine, port->listener, EPOLLIN, &port->watch);

    if (!is_heard && !port->has_failed)
        log_write(&engine->options.log, LOG_ERROR, "relay port", "cannot listen at %s port %u: %s",
                  engine->options.bind, (unsigned)port->port, strerror(errno));
    if (!is_heard)
        fd_release(&port->listener);
    port->has_failed = !is_heard;
}

static void close_port(struct relay_engine *engine, struct relay_port *port)
{
    calls_end_of(engine, port);
    relay_flows_close(engine, port);
    relay_unwatch(engine, port->listener);
    fd_release(&port->listener);
    engine->ports[port->port] = NULL;
    free(port);
}

static void keep_port(struct relay_engine *engine, const struct relay_route *route)
{
    struct relay_port *port = engine->ports[route->port];

    /* Another instance's by now: nobody's connection may lead from one to the other. */
    if (port != NULL && (port->instance->id != route->contract_id ||
                         port->inside != route->inside || port->protocol != route->protocol)) {
        close_port(engine, port);
        port = NULL;
    }
    if (port == NULL) {
        port = calloc(1, sizeof *port);
        if (port == NULL)
            abort();
        *port = (struct relay_port){ .port = (uint16_t)route->port,
                                     .inside = (uint16_t)route->inside,
                                     .protocol = (enum relaying_protocol)route->protocol,
                                     .listener = -1,
                                     .watch = { WATCH_PORT, 0, port } };
        engine->ports[route->port] = port;
    }
    port->instance = keep_instance(engine, route);
    port->is_kept = true;
    if (port->listener < 0)
        listen_port(engine, port);
}

static void drop_ports(struct relay_engine *engine)
{
    for (size_t i = 0; i <= UINT16_MAX; i++) {
        struct relay_port *port = engine->ports[i];

        if (port != NULL && !port->is_kept)
            close_port(engine, port);
        else if (port != NULL)
            port->is_kept = false;
    }
}

static void drop_instances(struct relay_engine *engine)
{
    for (size_t i = 0; i < engine->instance_count;) {
        struct relay_instance *instance = engine->instances[i];

        if (instance->is_kept) {
            instance->is_kept = false;
            i++;
            continue;
        }
        idmap_remove(&engine->instance_map, instance->id);
        free(instance);
        engine->instances[i] = engine->instances[--engine->instance_count];
        if (i < engine->instance_count)
            idmap_put(&engine->instance_map, engine->instances[i]->id, (uint32_t)i);
    }
}

static void drop_machines(struct relay_engine *engine)
{
    for (size_t i = 0; i < engine->machine_count;) {
        struct relay_machine *machine = engine->machines[i];

        if (machine->is_kept) {
            machine->is_kept = false;
            i++;
            continue;
        }
        if (machine->control != NULL)
            link_end(engine, machine->control, "nothing of it is relayed any more");
        idmap_remove(&engine->machine_map, machine->id);
        free(machine);
        engine->machines[i] = engine->machines[--engine->machine_count];
        if (i < engine->machine_count)
            idmap_put(&engine->machine_map, engine->machines[i]->id, (uint32_t)i);
    }
}

static void take_https(struct relay_engine *engine)
{
    (void)pthread_mutex_lock(&engine->lock);
    if (engine->next_https != NULL) {
        tls_context_close(&engine->https);
        engine->https = engine->next_https;
        engine->next_https = NULL;
    }
    (void)pthread_mutex_unlock(&engine->lock);
}

void relay_engine_https(struct relay_engine *engine, struct tls_context *https)
{
    (void)pthread_mutex_lock(&engine->lock);
    tls_context_close(&engine->next_https);
    engine->next_https = https;
    (void)pthread_mutex_unlock(&engine->lock);
    (void)eventfd_write(engine->wake, 1);
}

static void take_routes(struct relay_engine *engine)
{
    (void)pthread_mutex_lock(&engine->lock);
    struct relay_route *routes = engine->routes;
    size_t count = engine->route_count;
    bool has_routes = engine->has_routes;

    engine->routes = NULL;
    engine->has_routes = false;
    for (size_t i = 0; has_routes && i < count; i++)
        keep_port(engine, &routes[i]);
    if (has_routes) {
        drop_ports(engine);
        drop_instances(engine);
        drop_machines(engine);
    }
    (void)pthread_mutex_unlock(&engine->lock);
    free(routes);
    if (has_routes)
        links_recheck(engine);
}

void relay_engine_routes(struct relay_engine *engine, const struct relay_route *routes,
                         size_t count)
{
    struct relay_route *copy = malloc((count + 1) * sizeof *copy);

    if (copy == NULL)
        abort();
    if (count > 0)
        memcpy(copy, routes, count * sizeof *copy);
    (void)pthread_mutex_lock(&engine->lock);
    free(engine->routes);
    engine->routes = copy;
    engine->route_count = count;
    engine->has_routes = true;
    (void)pthread_mutex_unlock(&engine->lock);
    (void)eventfd_write(engine->wake, 1);
}

/* The loop */

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void dispatch(struct relay_engine *engine, const struct epoll_event *event)
{
    struct relay_watch *watch = event->data.ptr;
    eventfd_t ignored;

    switch (watch->kind) {
    case WATCH_WAKE:
        (void)eventfd_read(engine->wake, &ignored);
        break;
    case WATCH_DOOR:
        links_accept(engine);
        break;
    case WATCH_PORT:
        if (((struct relay_port *)watch->owner)->protocol == RELAYING_UDP)
            relay_flows_hear(engine, watch->owner);
        else
            calls_accept(engine, watch->owner);
        break;
    case WATCH_FLOWS:
        relay_flows_answer(engine, watch->owner);
        break;
    case WATCH_LINK:
        link_handle(engine, watch->owner, event->events);
        break;
    case WATCH_CALL:
        call_handle(engine, watch->owner, watch->end, event->events);
        break;
    }
}

static void bury(struct relay_engine *engine)
{
    while (!relay_list_is_empty(&engine->graveyard)) {
        struct relay_node *node = engine->graveyard.next;

        relay_list_remove(node);
        link_free(RELAY_OF(relay_link, node, node));
    }
    while (!relay_list_is_empty(&engine->dead_calls)) {
        struct relay_node *node = engine->dead_calls.next;

        relay_list_remove(node);
        call_free(RELAY_OF(relay_call, node, node));
    }
}

static void tick(struct relay_engine *engine, unsigned number)
{
    int64_t agents = 0;

    calls_tend(engine);
    links_tend(engine);
    for (size_t i = 0; number % LISTEN_AGAIN_TICKS == 0 && i <= UINT16_MAX; i++) {
        if (engine->ports[i] != NULL && engine->ports[i]->listener < 0)
            listen_port(engine, engine->ports[i]);
        if (engine->ports[i] != NULL && engine->ports[i]->flows != NULL)
            relay_flows_tend(engine, engine->ports[i]);
    }
    for (size_t i = 0; i < engine->machine_count; i++)
        agents += engine->machines[i]->control != NULL;
    atomic_store(&engine->seen_agents, agents);
    atomic_store(&engine->seen_calls, engine->call_count);
    atomic_store(&engine->seen_waiting, engine->waiting_count);
}

static bool is_stopping(struct relay_engine *engine)
{
    (void)pthread_mutex_lock(&engine->lock);
    bool is_stopping = engine->is_stopping;
    (void)pthread_mutex_unlock(&engine->lock);
    return is_stopping;
}

static void *run(void *context)
{
    struct relay_engine *engine = context;
    struct epoll_event events[EVENTS_MAX];
    int64_t tick_ms = now_ms() + TICK_MS;
    unsigned ticks = 0;

    while (!is_stopping(engine)) {
        int64_t left_ms = tick_ms - now_ms();
        int wait_ms = !relay_list_is_empty(&engine->ready) || left_ms < 0 ? 0 : (int)left_ms;
        int count = epoll_wait(engine->epoll, events, EVENTS_MAX, wait_ms);

        engine->now_ms = now_ms();
        for (int i = 0; i < count; i++)
            dispatch(engine, &events[i]);
        calls_run_ready(engine);
        bury(engine);
        take_https(engine);
        /* Only now: what an event was about may go with its route. */
        take_routes(engine);
        if (engine->now_ms >= tick_ms) {
            tick(engine, ++ticks);
            tick_ms = engine->now_ms + TICK_MS;
        }
        bury(engine);
    }
    return NULL;
}

/* "ADDRESS:PORT", with brackets around an IPv6 address or without. */
static bool open_door(struct relay_engine *engine, struct error *err)
{
    const char *listen = engine->options.listen, *colon = strrchr(listen, ':');
    char address[64] = "";
    struct sockaddr_storage bound = { 0 };
    socklen_t size = sizeof bound;
    uint64_t port;
    size_t length = colon != NULL ? (size_t)(colon - listen) : 0;

    if (length == 0 || length >= sizeof address || !parse_u64(colon + 1, &port) ||
        port > UINT16_MAX)
        return error_set(err, ERROR_INVALID, "'%.64s' is no ADDRESS:PORT to listen at", listen);
    bool has_brackets = listen[0] == '[' && listen[length - 1] == ']';
    memcpy(address, listen + has_brackets, length - 2 * (size_t)has_brackets);
    engine->door = relay_listen(address, (uint16_t)port, SOCK_STREAM);
    if (engine->door < 0)
        return error_system(err, errno, "listen at %s for agents", listen);
    (void)getsockname(engine->door, (struct sockaddr *)&bound, &size);
    struct sockaddr_in four; /* the port is where IPv6 has it, too */
    memcpy(&four, &bound, sizeof four);
    engine->door_port = ntohs(four.sin_port);
    return relay_watch(engine, engine->door, EPOLLIN, &engine->door_watch) ||
           error_system(err, errno, "watch for agents");
}

static int64_t most_calls(void)
{
    struct rlimit limit = { 0 };

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    /* Two sockets each, and pipes for those that flow; half of all is for listeners and others. */
    int64_t most = ((int64_t)limit.rlim_cur - KEPT_DESCRIPTORS) / 4;
    return most < CALLS_LEAST ? CALLS_LEAST : most;
}

bool relay_engine_open(const struct relay_engine_options *options, struct relay_engine **ret,
                       struct error *err)
{
    struct relay_engine *engine = calloc(1, sizeof *engine);

    if (engine == NULL)
        abort();
    engine->options = *options;
    engine->door = -1;
    engine->door_watch = (struct relay_watch){ WATCH_DOOR, 0, engine };
    engine->wake_watch = (struct relay_watch){ WATCH_WAKE, 0, engine };
    engine->call_max = most_calls();
    engine->now_ms = now_ms();
    struct relay_node *const heads[] = { &engine->links,     &engine->shaking, &engine->waiting,
                                         &engine->running,   &engine->ready,   &engine->graveyard,
                                         &engine->dead_calls };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        relay_list_init(heads[i]);
    (void)pthread_mutex_init(&engine->lock, NULL);
    pump_bed_open(&engine->bed);
    engine->epoll = epoll_create1(EPOLL_CLOEXEC);
    engine->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bool is_open = engine->epoll >= 0 && engine->wake >= 0 &&
                   relay_watch(engine, engine->wake, EPOLLIN, &engine->wake_watch);
    if (!is_open)
        (void)error_system(err, errno, "start the relay");
    if (!is_open || !open_door(engine, err)) {
        relay_engine_close(&engine);
        return false;
    }
    *ret = engine;
    return true;
}

bool relay_engine_start(struct relay_engine *engine, int64_t relay_id, struct error *err)
{
    engine->relay_id = relay_id;
    engine->has_thread = thread_start(&engine->thread, run, engine, err);
    return engine->has_thread;
}

static void stop(struct relay_engine *engine)
{
    if (!engine->has_thread)
        return;
    (void)pthread_mutex_lock(&engine->lock);
    engine->is_stopping = true;
    (void)pthread_mutex_unlock(&engine->lock);
    (void)eventfd_write(engine->wake, 1);
    (void)pthread_join(engine->thread, NULL);
}

void relay_engine_close(struct relay_engine **owner)
{
    struct relay_engine *engine = *owner;

    if (engine == NULL)
        return;
    stop(engine);
    drop_ports(engine);
    drop_instances(engine);
    while (!relay_list_is_empty(&engine->links))
        link_end(engine, RELAY_OF(relay_link, node, engine->links.next), "the relay ends");
    drop_machines(engine);
    bury(engine);
    fd_release(&engine->door);
    fd_release(&engine->wake);
    fd_release(&engine->epoll);
    idmap_release(&engine->machine_map);
    idmap_release(&engine->instance_map);
    free(engine->machines);
    free(engine->instances);
    free(engine->routes);
    tls_context_close(&engine->https);
    tls_context_close(&engine->next_https);
    pump_bed_close(&engine->bed);
    (void)pthread_mutex_destroy(&engine->lock);
    free(engine);
    *owner = NULL;
}

uint16_t relay_engine_port(const struct relay_engine *engine)
{
    return engine->door_port;
}

struct relay_counts relay_engine_counts(struct relay_engine *engine)
{
    return (struct relay_counts){ .agents = atomic_load(&engine->seen_agents),
                                  .calls = atomic_load(&engine->seen_calls),
                                  .waiting = atomic_load(&engine->seen_waiting),
                                  .bytes_up = atomic_load(&engine->bytes_up),
                                  .bytes_down = atomic_load(&engine->bytes_down),
                                  .served = atomic_load(&engine->served),
                                  .refused = atomic_load(&engine->refused) };
}

bool relay_engine_traffic(struct relay_engine *engine, int64_t instance_id, uint64_t *ret_up,
                          uint64_t *ret_down)
{
    (void)pthread_mutex_lock(&engine->lock);
    uint32_t place = idmap_find(&engine->instance_map, instance_id);
    bool has = place != IDMAP_NONE;

    if (has) {
        *ret_up = atomic_load(&engine->instances[place]->bytes_up);
        *ret_down = atomic_load(&engine->instances[place]->bytes_down);
    }
    (void)pthread_mutex_unlock(&engine->lock);
    return has;
}
