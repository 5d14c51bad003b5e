/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/relay.h"

#include <assert.h>
#include <string.h>

enum { MARK = 0xBE, VERSION = 1, NUMBER_SIZE = 8, PORT_SIZE = 2 };

static size_t body_size(unsigned type)
{
    switch (type) {
    case RELAY_CALL:
        return 2 * NUMBER_SIZE;
    case RELAY_NONCE:
        return NUMBER_SIZE + RELAY_NONCE_SIZE;
    case RELAY_PROOF:
        return RELAY_SIGNATURE_SIZE;
    case RELAY_OPEN:
    case RELAY_OPEN_FLOWS:
        return RELAY_TOKEN_SIZE + NUMBER_SIZE + 2 * PORT_SIZE + RELAY_ADDRESS_SIZE;
    case RELAY_REFUSE:
    case RELAY_BACK:
        return RELAY_TOKEN_SIZE;
    case RELAY_PING:
    case RELAY_PONG:
        return NUMBER_SIZE;
    default: /* WELCOME */
        return 0;
    }
}

static uint8_t *put(uint8_t *at, uint64_t value, int size)
{
    for (int i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    return at + size;
}

static uint8_t *put_bytes(uint8_t *at, const uint8_t *bytes, size_t count)
{
    memcpy(at, bytes, count);
    return at + count;
}

size_t relay_frame_write(const struct relay_frame *frame, uint8_t out[static RELAY_FRAME_MAX])
{
    size_t size = body_size(frame->type);
    uint8_t *at = out + RELAY_HEAD;

    out[0] = MARK;
    out[1] = VERSION;
    out[2] = (uint8_t)frame->type;
    out[3] = (uint8_t)size;
    switch (frame->type) {
    case RELAY_CALL:
        at = put(put(at, (uint64_t)frame->machine_id, NUMBER_SIZE), (uint64_t)frame->epoch,
                 NUMBER_SIZE);
        break;
    case RELAY_NONCE:
        at = put_bytes(put(at, (uint64_t)frame->relay_id, NUMBER_SIZE), frame->nonce,
                       sizeof frame->nonce);
        break;
    case RELAY_PROOF:
        at = put_bytes(at, frame->signature, sizeof frame->signature);
        break;
    case RELAY_OPEN:
    case RELAY_OPEN_FLOWS:
        at = put_bytes(at, frame->token, sizeof frame->token);
        at = put(at, (uint64_t)frame->instance_id, NUMBER_SIZE);
        at = put(put(at, frame->port, PORT_SIZE), frame->from_port, PORT_SIZE);
        at = put_bytes(at, frame->from, sizeof frame->from);
        break;
    case RELAY_REFUSE:
    case RELAY_BACK:
        at = put_bytes(at, frame->token, sizeof frame->token);
        break;
    case RELAY_PING:
    case RELAY_PONG:
        at = put(at, frame->number, NUMBER_SIZE);
        break;
    case RELAY_WELCOME:
        break;
    }
    assert((size_t)(at - out) == RELAY_HEAD + size);
    return RELAY_HEAD + size;
}

static uint64_t take(const uint8_t **at, int size)
{
    uint64_t value = 0;

    for (int i = 0; i < size; i++)
        value = value << 8 | (*at)[i];
    *at += size;
    return value;
}

static void take_bytes(const uint8_t **at, uint8_t *bytes, size_t count)
{
    memcpy(bytes, *at, count);
    *at += count;
}

/* An id or an epoch: 1 and up. */
static bool take_id(const uint8_t **at, int64_t *ret)
{
    uint64_t value = take(at, NUMBER_SIZE);

    *ret = value <= INT64_MAX ? (int64_t)value : 0;
    return *ret > 0;
}

static bool read_body(const uint8_t *at, struct relay_frame *frame)
{
    switch (frame->type) {
    case RELAY_CALL:
        return take_id(&at, &frame->machine_id) && take_id(&at, &frame->epoch);
    case RELAY_NONCE:
        if (!take_id(&at, &frame->relay_id))
            return false;
        take_bytes(&at, frame->nonce, sizeof frame->nonce);
        return true;
    case RELAY_PROOF:
        take_bytes(&at, frame->signature, sizeof frame->signature);
        return true;
    case RELAY_OPEN:
    case RELAY_OPEN_FLOWS:
        take_bytes(&at, frame->token, sizeof frame->token);
        if (!take_id(&at, &frame->instance_id))
            return false;
        frame->port = (uint16_t)take(&at, PORT_SIZE);
        frame->from_port = (uint16_t)take(&at, PORT_SIZE);
        take_bytes(&at, frame->from, sizeof frame->from);
        return frame->port > 0;
    case RELAY_REFUSE:
    case RELAY_BACK:
        take_bytes(&at, frame->token, sizeof frame->token);
        return true;
    case RELAY_PING:
    case RELAY_PONG:
        frame->number = take(&at, NUMBER_SIZE);
        return true;
    case RELAY_WELCOME:
        return true;
    }
    return false;
}

size_t relay_frame_size(const uint8_t head[static RELAY_HEAD])
{
    bool is_frame = head[0] == MARK && head[1] == VERSION && head[2] >= RELAY_CALL &&
                    head[2] <= RELAY_TYPE_LAST && head[3] == body_size(head[2]);

    return is_frame ? RELAY_HEAD + (size_t)head[3] : 0;
}

enum relay_read relay_frame_read(const uint8_t *bytes, size_t count, struct relay_frame *ret,
                                 size_t *ret_used)
{
    struct relay_frame frame = { 0 };

    /* What is wrong in the first byte is said at the first byte. */
    if (count > 0 && bytes[0] != MARK)
        return RELAY_READ_BAD;
    if (count < RELAY_HEAD)
        return RELAY_READ_MORE;
    size_t size = relay_frame_size(bytes);
    if (size == 0)
        return RELAY_READ_BAD;
    if (count < size)
        return RELAY_READ_MORE;
    frame.type = (enum relay_type)bytes[2];
    if (!read_body(bytes + RELAY_HEAD, &frame))
        return RELAY_READ_BAD;
    *ret = frame;
    *ret_used = size;
    return RELAY_READ_FRAME;
}

void relay_signed(struct buf *out, const struct relay_claim *claim)
{
    static const char domain[] = "berth-relay-v1";
    const int64_t numbers[] = { claim->relay_id, claim->machine_id, claim->epoch };

    buf_append(out, domain, sizeof domain); /* with its NUL: nothing runs into it */
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        uint8_t bytes[NUMBER_SIZE];

        (void)put(bytes, (uint64_t)numbers[i], NUMBER_SIZE);
        buf_append(out, (const char *)bytes, sizeof bytes);
    }
    buf_append(out, (const char *)claim->nonce, RELAY_NONCE_SIZE);
}
