/* SPDX-License-Identifier: Apache-2.0 */
/* A machine that runs PTX, for tests alone: as much of the language as our kernels are made into,
 * one instruction after another, by what NVIDIA's manual of PTX says. It knows nothing of the
 * kernels, so what it makes of them is what they say.
 *
 * Strict, as the hardware is: whoever reads or writes where nothing is, or across a line of its
 * size, or meets at a barrier or a product of a warp that others do not come to, fails. */

#ifndef BERTH_TEST_PTX_MACHINE_H
#define BERTH_TEST_PTX_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PTX_OPERANDS = 24, PTX_PARAMS = 24, PTX_NAME = 64, PTX_LANES = 32, PTX_WORDS_SIZE = 256 };

/* Where each space begins, as addresses have it. */
#define PTX_LOCAL_BASE  UINT64_C(0x10000000)
#define PTX_SHARED_BASE UINT64_C(0x20000000)
#define PTX_CONST_BASE  UINT64_C(0x30000000)

enum ptx_space { PTX_GLOBAL, PTX_SHARED, PTX_LOCAL, PTX_CONST, PTX_PARAM };

enum ptx_op {
    PTX_ADD,
    PTX_SUB,
    PTX_MUL_LO,
    PTX_MUL_HI,
    PTX_MUL_WIDE,
    PTX_MUL,
    PTX_MAD,
    PTX_FMA,
    PTX_DIV,
    PTX_REM,
    PTX_MIN,
    PTX_MAX,
    PTX_NEG,
    PTX_AND,
    PTX_OR,
    PTX_XOR,
    PTX_NOT,
    PTX_SHL,
    PTX_SHR,
    PTX_SHF,
    PTX_BFE,
    PTX_SELP,
    PTX_SETP,
    PTX_CVT,
    PTX_MOV,
    PTX_LD,
    PTX_ST,
    PTX_BRA,
    PTX_RET,
    PTX_DP4A,
    PTX_MMA,
    PTX_BAR,
};

enum ptx_kind { PTX_REGISTER, PTX_NUMBER, PTX_SPECIAL };

struct ptx_operand {
    enum ptx_kind kind;
    uint32_t reg;   /* PTX_SPECIAL: which; of an address: where it begins, if it has_base */
    uint64_t value; /* of a number; of an address: how much further */
    bool is_address, has_base;
};

struct ptx_instruction {
    enum ptx_op op;
    int guard; /* a register that must be true; -1: none */
    bool is_guard_negated;
    char type, from;          /* 'u', 's', 'f', 'b' or 'p'; of what is converted */
    unsigned bits, from_bits; /* 1 to 64 */
    enum ptx_space space;
    unsigned vector; /* 1 or 4 */
    int compare;     /* of a setp: index into its words */
    char shape[48];  /* of an mma: what follows "aligned." */
    size_t target;   /* of a bra */
    size_t count;
    struct ptx_operand operands[PTX_OPERANDS];
};

struct ptx_kernel {
    char name[PTX_NAME];
    size_t param_count, params_size;
    size_t param_offsets[PTX_PARAMS], param_sizes[PTX_PARAMS];
    size_t register_count, local_size, shared_size;
    size_t count, capacity;
    struct ptx_instruction *code;
};

struct ptx_module {
    unsigned target; /* 80: made for sm_80 */
    size_t kernel_count;
    struct ptx_kernel *kernels;
    uint8_t constants[4096];
    size_t constants_size;
};

/* What is wrong with it goes into `ret_words`. */
struct ptx_module *ptx_parse(const char *text, char ret_words[static PTX_WORDS_SIZE]);
void ptx_free(struct ptx_module *module);
const struct ptx_kernel *ptx_find(const struct ptx_module *module, const char *name);

struct ptx_launch {
    const struct ptx_module *module;
    const struct ptx_kernel *kernel;
    unsigned grid[2], block[2];
    void **arguments;
    uint8_t *memory; /* the device's, which begins at `base` */
    uint64_t base;
    size_t memory_size;
};

/* All of it, to its end. */
bool ptx_launch(const struct ptx_launch *launch, char ret_words[static PTX_WORDS_SIZE]);

/* One product of a warp: `lanes` are its 32 lanes' registers. False: no such shape. */
bool ptx_mma(const struct ptx_instruction *mma, uint64_t *const lanes[static PTX_LANES]);

#endif
