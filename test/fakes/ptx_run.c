/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ptx_machine.h"

enum { LOCAL_MAX = 4096, PARAMS_MAX = 256, TID_X = 0, TID_Y, NTID_X, NTID_Y, CTAID_X, CTAID_Y };

enum thread_state { RUNS, AT_BARRIER, AT_PRODUCT, ENDED };

struct thread {
    enum thread_state state;
    size_t at; /* the instruction that is next */
    uint64_t *registers;
    unsigned specials[6];
    uint8_t local[LOCAL_MAX];
};

struct block {
    const struct ptx_launch *launch;
    struct thread *threads;
    unsigned count;
    uint8_t *shared;
    uint8_t params[PARAMS_MAX];
    char *words;
};

static bool fail(const struct block *block, const struct thread *thread, const char *what)
{
    (void)snprintf(block->words, PTX_WORDS_SIZE, "%s in %s, instruction %zu, thread %u of block %u",
                   what, block->launch->kernel->name, thread->at, thread->specials[TID_X],
                   thread->specials[CTAID_X]);
    return false;
}

static uint64_t cut(uint64_t value, unsigned bits)
{
    return bits == 64 ? value : value & ((UINT64_C(1) << bits) - 1);
}

static int64_t signed_of(uint64_t value, unsigned bits)
{
    uint64_t top = UINT64_C(1) << (bits - 1);

    value = cut(value, bits);
    return bits == 64 ? (int64_t)value : (int64_t)(value ^ top) - (int64_t)top;
}

static float float_of(uint64_t bits)
{
    uint32_t word = (uint32_t)bits;
    float value;

    memcpy(&value, &word, sizeof value);
    return value;
}

static uint64_t bits_of(float value)
{
    uint32_t word;

    memcpy(&word, &value, sizeof word);
    return word;
}

static uint64_t read_operand(const struct thread *thread, const struct ptx_operand *operand)
{
    switch (operand->kind) {
    case PTX_REGISTER:
        return thread->registers[operand->reg];
    case PTX_SPECIAL:
        return thread->specials[operand->reg];
    case PTX_NUMBER:
        break;
    }
    return operand->value;
}

/* Memory */

/* Where that address is: NULL where nothing is, or across a line of its size. */
static uint8_t *place(struct block *block, struct thread *thread,
                      const struct ptx_instruction *code, const struct ptx_operand *operand)
{
    const struct ptx_launch *launch = block->launch;
    uint64_t address =
        operand->has_base ? thread->registers[operand->reg] + operand->value : operand->value;
    size_t size = code->bits / 8 * code->vector, room = 0;
    uint64_t base = 0;
    uint8_t *memory = NULL;

    switch (code->space) {
    case PTX_GLOBAL:
        memory = launch->memory, base = launch->base, room = launch->memory_size;
        break;
    case PTX_SHARED:
        memory = block->shared, base = PTX_SHARED_BASE, room = launch->kernel->shared_size;
        break;
    case PTX_LOCAL:
        memory = thread->local, base = PTX_LOCAL_BASE, room = launch->kernel->local_size;
        break;
    case PTX_CONST:
        memory = (uint8_t *)(uintptr_t)launch->module->constants, base = PTX_CONST_BASE;
        room = launch->module->constants_size;
        break;
    case PTX_PARAM:
        memory = block->params, room = launch->kernel->params_size;
        break;
    }
    return address >= base && room >= size && address - base <= room - size && address % size == 0
               ? memory + (address - base)
               : NULL;
}

static bool load(struct block *block, struct thread *thread, const struct ptx_instruction *code)
{
    const uint8_t *from = place(block, thread, code, &code->operands[code->vector]);

    if (from == NULL)
        return fail(block, thread, "a load from nowhere");
    for (unsigned i = 0; i < code->vector; i++) {
        uint64_t value = 0;

        memcpy(&value, from + i * code->bits / 8, code->bits / 8);
        thread->registers[code->operands[i].reg] =
            code->type == 's' ? (uint64_t)signed_of(value, code->bits) : value;
    }
    return true;
}

static bool store(struct block *block, struct thread *thread, const struct ptx_instruction *code)
{
    uint8_t *to = place(block, thread, code, &code->operands[0]);

    if (to == NULL || code->space == PTX_CONST || code->space == PTX_PARAM)
        return fail(block, thread, "a store to nowhere");
    for (unsigned i = 0; i < code->vector; i++) {
        uint64_t value = read_operand(thread, &code->operands[1 + i]);

        memcpy(to + i * code->bits / 8, &value, code->bits / 8);
    }
    return true;
}

/* Arithmetic */

static bool compare(const struct ptx_instruction *code, uint64_t a, uint64_t b)
{
    static const unsigned orders[] = { 2, 5, 1, 3, 4, 6 }; /* bits: below, equal, above */
    int order;

    if (code->type == 's')
        order = (signed_of(a, code->bits) > signed_of(b, code->bits)) -
                (signed_of(a, code->bits) < signed_of(b, code->bits));
    else if (code->type == 'f')
        order = (float_of(a) > float_of(b)) - (float_of(a) < float_of(b));
    else
        order =
            (cut(a, code->bits) > cut(b, code->bits)) - (cut(a, code->bits) < cut(b, code->bits));
    return (orders[code->compare] >> (order + 1) & 1) != 0;
}

static uint64_t multiply_wide(const struct ptx_instruction *code, uint64_t a, uint64_t b)
{
    return code->type == 's' ? (uint64_t)(signed_of(a, code->bits) * signed_of(b, code->bits))
                             : cut(a, code->bits) * cut(b, code->bits);
}

static uint64_t shift(const struct ptx_instruction *code, uint64_t a, uint64_t by)
{
    by = cut(by, 32);
    if (code->op == PTX_SHL)
        return by >= code->bits ? 0 : a << by;
    if (code->type == 's')
        return (uint64_t)(signed_of(a, code->bits) >> (by >= code->bits ? code->bits - 1 : by));
    return by >= code->bits ? 0 : cut(a, code->bits) >> by;
}

static uint64_t divide(const struct ptx_instruction *code, uint64_t a, uint64_t b)
{
    bool is_rest = code->op == PTX_REM;

    if (cut(b, code->bits) == 0)
        return UINT64_MAX;
    if (code->type == 's') {
        int64_t x = signed_of(a, code->bits), y = signed_of(b, code->bits);

        return (uint64_t)(is_rest ? x % y : x / y);
    }
    a = cut(a, code->bits);
    b = cut(b, code->bits);
    return is_rest ? a % b : a / b;
}

static uint64_t dot(uint64_t a, uint64_t b, uint64_t sum)
{
    int32_t total = (int32_t)sum;

    for (int i = 0; i < 32; i += 8)
        total += (int8_t)(a >> i) * (int8_t)(b >> i);
    return (uint32_t)total;
}

static uint64_t field(const struct ptx_instruction *code, uint64_t a, uint64_t at, uint64_t width)
{
    uint64_t value = cut(cut(a, code->bits) >> at, (unsigned)width);

    return code->type == 's' ? (uint64_t)signed_of(value, (unsigned)width) : value;
}

static uint64_t convert(const struct ptx_instruction *code, uint64_t a)
{
    if (code->from == 'f')
        return code->type == 's' ? (uint64_t)(int64_t)float_of(a) : (uint64_t)float_of(a);
    if (code->type == 'f')
        return bits_of(code->from == 's' ? (float)signed_of(a, code->from_bits)
                                         : (float)cut(a, code->from_bits));
    return code->from == 's' ? (uint64_t)signed_of(a, code->from_bits) : cut(a, code->from_bits);
}

static uint64_t compute_float(const struct ptx_instruction *code, uint64_t x, uint64_t y,
                              uint64_t z)
{
    float a = float_of(x), b = float_of(y);

    switch ((int)code->op) { /* what is not here is for whole numbers */
    case PTX_ADD:
        return bits_of(a + b);
    case PTX_SUB:
        return bits_of(a - b);
    case PTX_MUL:
        return bits_of(a * b);
    case PTX_FMA:
        return bits_of(fmaf(a, b, float_of(z)));
    default:
        return x; /* mov */
    }
}

static uint64_t compute(const struct ptx_instruction *code, uint64_t a, uint64_t b, uint64_t c)
{
    if (code->type == 'f' && code->op != PTX_CVT && code->op != PTX_SETP && code->op != PTX_SELP)
        return compute_float(code, a, b, c);
    switch ((int)code->op) { /* the others are not of numbers alone */
    case PTX_ADD:
        return a + b;
    case PTX_SUB:
        return a - b;
    case PTX_MUL_LO:
        return a * b;
    case PTX_MAD:
        return a * b + c;
    case PTX_MUL_WIDE:
        return multiply_wide(code, a, b);
    case PTX_MUL_HI:
        return multiply_wide(code, a, b) >> code->bits;
    case PTX_DIV:
    case PTX_REM:
        return divide(code, a, b);
    case PTX_MIN:
        return cut(a, code->bits) < cut(b, code->bits) ? a : b;
    case PTX_MAX:
        return cut(a, code->bits) > cut(b, code->bits) ? a : b;
    case PTX_NEG:
        return -a;
    case PTX_AND:
        return a & b;
    case PTX_OR:
        return a | b;
    case PTX_XOR:
        return a ^ b;
    case PTX_NOT:
        return code->bits == 1 ? !a : ~a;
    case PTX_SHL:
    case PTX_SHR:
        return shift(code, a, b);
    case PTX_SHF:
        return (cut(b, 32) << (c & 31) | (c % 32 == 0 ? 0 : cut(a, 32) >> (32 - (c & 31))));
    case PTX_BFE:
        return field(code, a, b, c);
    case PTX_SELP:
        return c != 0 ? a : b;
    case PTX_SETP:
        return compare(code, a, b);
    case PTX_CVT:
        return convert(code, a);
    case PTX_DP4A:
        return dot(a, b, c);
    default:
        return a;
    }
}

/* As many bits as the result has. */
static unsigned width_of(const struct ptx_instruction *code)
{
    return code->op == PTX_SETP ? 1 : code->op == PTX_MUL_WIDE ? 2 * code->bits : code->bits;
}

/* One instruction. False: it cannot be done. */
static bool step(struct block *block, struct thread *thread)
{
    const struct ptx_kernel *kernel = block->launch->kernel;
    const struct ptx_instruction *code = &kernel->code[thread->at];
    uint64_t values[3] = { 0 };

    if (thread->at >= kernel->count)
        return fail(block, thread, "no return");
    if (code->guard >= 0 && (thread->registers[code->guard] != 0) == code->is_guard_negated) {
        thread->at++;
        return true;
    }
    switch ((int)code->op) { /* the others compute */
    case PTX_LD:
        thread->at++;
        return load(block, thread, code);
    case PTX_ST:
        thread->at++;
        return store(block, thread, code);
    case PTX_BRA:
        thread->at = code->target;
        return true;
    case PTX_RET:
        thread->state = ENDED;
        return true;
    case PTX_BAR:
        thread->state = AT_BARRIER;
        return true;
    case PTX_MMA:
        thread->state = AT_PRODUCT;
        return true;
    default:
        break;
    }
    for (size_t i = 1; i < code->count && i <= 3; i++)
        values[i - 1] = read_operand(thread, &code->operands[i]);
    thread->registers[code->operands[0].reg] =
        cut(compute(code, values[0], values[1], values[2]), width_of(code));
    thread->at++;
    return true;
}

static bool run_thread(struct block *block, struct thread *thread)
{
    while (thread->state == RUNS) {
        if (!step(block, thread))
            return false;
    }
    return true;
}

/* All lanes of a warp have come to the same product. */
static bool multiply(struct block *block, struct thread *warp)
{
    uint64_t *lanes[PTX_LANES];
    const struct ptx_instruction *code = &block->launch->kernel->code[warp->at];

    for (int lane = 0; lane < PTX_LANES; lane++) {
        if (warp[lane].state != AT_PRODUCT || warp[lane].at != warp->at)
            return fail(block, &warp[lane], "a product that not all of a warp come to");
        lanes[lane] = warp[lane].registers;
    }
    if (!ptx_mma(code, lanes))
        return fail(block, warp, "a product of no known shape");
    for (int lane = 0; lane < PTX_LANES; lane++) {
        warp[lane].state = RUNS;
        warp[lane].at++;
    }
    return true;
}

/* Until all of it wait at the barrier, or have ended. */
static bool run_warp(struct block *block, struct thread *warp, unsigned count)
{
    for (;;) {
        bool has_product = false;

        for (unsigned lane = 0; lane < count; lane++) {
            if (!run_thread(block, &warp[lane]))
                return false;
            has_product = has_product || warp[lane].state == AT_PRODUCT;
        }
        if (!has_product)
            return true;
        if (count < PTX_LANES)
            return fail(block, warp, "a product of part of a warp");
        if (!multiply(block, warp))
            return false;
    }
}

static bool pass_barrier(struct block *block, bool *ret_has_ended)
{
    *ret_has_ended = block->threads[0].state == ENDED;
    for (unsigned i = 0; i < block->count; i++) {
        struct thread *thread = &block->threads[i];

        if ((thread->state == ENDED) != *ret_has_ended)
            return fail(block, thread, "a barrier that not all come to");
        if (thread->state == AT_BARRIER) {
            thread->state = RUNS;
            thread->at++;
        }
    }
    return true;
}

static bool run_block(struct block *block)
{
    bool has_ended = false;

    while (!has_ended) {
        for (unsigned first = 0; first < block->count; first += PTX_LANES) {
            unsigned rest = block->count - first;

            if (!run_warp(block, block->threads + first, rest < PTX_LANES ? rest : PTX_LANES))
                return false;
        }
        if (!pass_barrier(block, &has_ended))
            return false;
    }
    return true;
}

static void begin_block(struct block *block, unsigned x, unsigned y)
{
    const struct ptx_launch *launch = block->launch;

    /* Whoever reads what nobody wrote finds something else than zeros. */
    memset(block->shared, 0xA5, launch->kernel->shared_size);
    for (unsigned i = 0; i < block->count; i++) {
        struct thread *thread = &block->threads[i];
        const unsigned specials[] = {
            i % launch->block[0], i / launch->block[0], launch->block[0], launch->block[1], x, y
        };

        thread->state = RUNS;
        thread->at = 0;
        memcpy(thread->specials, specials, sizeof thread->specials);
        memset(thread->local, 0xA5, launch->kernel->local_size);
        for (size_t reg = 0; reg < launch->kernel->register_count; reg++)
            thread->registers[reg] = 0xA5A5A5A5A5A5A5A5;
    }
}

static void take_arguments(struct block *block)
{
    const struct ptx_kernel *kernel = block->launch->kernel;

    for (size_t i = 0; i < kernel->param_count; i++)
        memcpy(block->params + kernel->param_offsets[i], block->launch->arguments[i],
               kernel->param_sizes[i]);
}

/* What is there for threads and their registers stays from one launch to the next. */
static void *room(void **kept, size_t *kept_size, size_t size)
{
    if (*kept_size < size) {
        free(*kept);
        *kept = calloc(1, size);
        *kept_size = size;
        if (*kept == NULL)
            abort();
    }
    return *kept;
}

bool ptx_launch(const struct ptx_launch *launch, char ret_words[static PTX_WORDS_SIZE])
{
    const struct ptx_kernel *kernel = launch->kernel;
    struct block block = { .launch = launch,
                           .count = launch->block[0] * launch->block[1],
                           .words = ret_words };
    bool is_good = kernel->local_size <= LOCAL_MAX && kernel->params_size <= PARAMS_MAX;

    (void)snprintf(ret_words, PTX_WORDS_SIZE, "%s wants too much memory", kernel->name);
    static void *threads, *shared, *all;
    static size_t threads_size, shared_size, all_size;
    size_t registers_size = block.count * (kernel->register_count + 1) * sizeof(uint64_t);

    block.threads = room(&threads, &threads_size, block.count * sizeof *block.threads);
    block.shared = room(&shared, &shared_size, kernel->shared_size + 1);
    uint64_t *registers = room(&all, &all_size, registers_size);
    for (unsigned i = 0; i < block.count; i++)
        block.threads[i].registers = registers + i * kernel->register_count;
    if (is_good)
        take_arguments(&block);
    for (unsigned y = 0; is_good && y < launch->grid[1]; y++) {
        for (unsigned x = 0; is_good && x < launch->grid[0]; x++) {
            begin_block(&block, x, y);
            is_good = run_block(&block);
        }
    }
    return is_good;
}
