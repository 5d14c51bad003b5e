/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ptx_machine.h"

enum { NAMES_MAX = 16384, SLOTS = 4 * NAMES_MAX, LINE_MAX_SIZE = 8192 };

struct name {
    char text[PTX_NAME];
    uint64_t value;
    bool is_placed; /* of a label */
};

struct names {
    size_t count;
    struct name all[NAMES_MAX];
    uint32_t slots[SLOTS]; /* by their hash: 1 + which */
};

struct parsing {
    struct ptx_module *module;
    struct ptx_kernel *kernel; /* NULL: outside of one */
    struct names registers, labels, symbols;
    char *words;
};

static const char *const specials[] = { "%tid.x",  "%tid.y",   "%ntid.x",
                                        "%ntid.y", "%ctaid.x", "%ctaid.y" };

static const struct {
    const char *begins;
    enum ptx_op op;
} ops[] = {
    { "add.", PTX_ADD },
    { "sub.", PTX_SUB },
    { "mul.lo.", PTX_MUL_LO },
    { "mul.hi.", PTX_MUL_HI },
    { "mul.wide.", PTX_MUL_WIDE },
    { "mul.", PTX_MUL },
    { "mad.lo.", PTX_MAD },
    { "fma.rn.", PTX_FMA },
    { "div.", PTX_DIV },
    { "rem.", PTX_REM },
    { "min.", PTX_MIN },
    { "max.", PTX_MAX },
    { "neg.", PTX_NEG },
    { "and.", PTX_AND },
    { "or.", PTX_OR },
    { "xor.", PTX_XOR },
    { "not.", PTX_NOT },
    { "shl.", PTX_SHL },
    { "shr.", PTX_SHR },
    { "shf.l.wrap.", PTX_SHF },
    { "bfe.", PTX_BFE },
    { "selp.", PTX_SELP },
    { "setp.", PTX_SETP },
    { "cvt.", PTX_CVT },
    { "mov.", PTX_MOV },
    { "ld.", PTX_LD },
    { "st.", PTX_ST },
    { "bra", PTX_BRA },
    { "ret", PTX_RET },
    { "dp4a.", PTX_DP4A },
    { "mma.sync.aligned.", PTX_MMA },
    { "bar.sync", PTX_BAR },
};

static const char *const compares[] = { "eq", "ne", "lt", "le", "gt", "ge" };
static const char *const spaces[] = { "global", "shared", "local", "const", "param" };

static bool fail(struct parsing *parsing, const char *what, const char *where)
{
    (void)snprintf(parsing->words, PTX_WORDS_SIZE, "%s: %.180s", what, where);
    return false;
}

static size_t hash_of(const char *text)
{
    size_t hash = 5381;

    for (; *text != '\0'; text++)
        hash = hash * 33 + (unsigned char)*text;
    return hash;
}

/* Where it is, or would be. */
static uint32_t *slot_of(struct names *names, const char *text)
{
    for (size_t at = hash_of(text);; at++) {
        uint32_t *slot = &names->slots[at % SLOTS];

        if (*slot == 0 || strcmp(names->all[*slot - 1].text, text) == 0)
            return slot;
    }
}

/* NULL: there is none, or, where `adds`, no room. */
static struct name *find(struct names *names, const char *text, bool adds)
{
    uint32_t *slot = slot_of(names, text);

    if (*slot != 0)
        return &names->all[*slot - 1];
    if (!adds || names->count == NAMES_MAX || strlen(text) >= PTX_NAME)
        return NULL;
    struct name *name = &names->all[names->count];
    (void)snprintf(name->text, sizeof name->text, "%s", text);
    name->value = names->count++;
    name->is_placed = false;
    *slot = (uint32_t)names->count;
    return name;
}

static void forget(struct names *names)
{
    memset(names->slots, 0, sizeof names->slots);
    names->count = 0;
}

/* "u32": what is at the end of an opcode. */
static bool read_type(const char *text, char *type, unsigned *bits)
{
    *type = text[0];
    if (strcmp(text, "pred") == 0) {
        *bits = 1;
        return true;
    }
    *bits = (unsigned)strtoul(text + 1, NULL, 10);
    return strchr("usfb", text[0]) != NULL && *bits >= 8 && *bits <= 64;
}

static bool read_number(const char *text, uint64_t *value)
{
    char *end;

    if (strncmp(text, "0f", 2) == 0 || strncmp(text, "0F", 2) == 0)
        *value = strtoull(text + 2, &end, 16);
    else
        *value = text[0] == '-' ? (uint64_t)strtoll(text, &end, 0) : strtoull(text, &end, 0);
    return *end == '\0' && end != text;
}

static bool read_base(struct parsing *parsing, const char *text, struct ptx_operand *operand)
{
    struct name *symbol = find(&parsing->symbols, text, false);

    if (symbol != NULL) {
        operand->kind = PTX_NUMBER;
        operand->value += symbol->value;
        return true;
    }
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
        if (strcmp(text, specials[i]) == 0) {
            *operand = (struct ptx_operand){ .kind = PTX_SPECIAL, .reg = (uint32_t)i };
            return true;
        }
    }
    if (text[0] != '%')
        return read_number(text, &operand->value) || fail(parsing, "what is", text);
    struct name *name = find(&parsing->registers, text, true);
    if (name == NULL)
        return fail(parsing, "too many registers at", text);
    operand->kind = PTX_REGISTER;
    operand->reg = (uint32_t)name->value;
    operand->has_base = true;
    return true;
}

/* "%r1", "-7", "0f3F800000", "[%rd1+16]", "[k_param_0]". */
static bool read_operand(struct parsing *parsing, char *text, struct ptx_operand *operand)
{
    char *plus;

    *operand = (struct ptx_operand){ .kind = PTX_NUMBER };
    if (text[0] != '[')
        return read_base(parsing, text, operand);
    text[strcspn(text, "]")] = '\0';
    operand->is_address = true;
    plus = strchr(text, '+');
    if (plus != NULL) {
        *plus = '\0';
        if (!read_number(plus + 1, &operand->value))
            return fail(parsing, "how far is", plus + 1);
    }
    return read_base(parsing, text + 1, operand);
}

static bool read_operands(struct parsing *parsing, char *text, struct ptx_instruction *code)
{
    char *rest = NULL;

    for (char *word = strtok_r(text, ", \t{}", &rest); word != NULL;
         word = strtok_r(NULL, ", \t{}", &rest)) {
        if (code->count == PTX_OPERANDS)
            return fail(parsing, "too many operands at", word);
        if (!read_operand(parsing, word, &code->operands[code->count++]))
            return false;
    }
    return true;
}

static int index_of(const char *const *words, int count, const char *text)
{
    for (int i = 0; i < count; i++) {
        size_t length = strlen(words[i]);

        if (strncmp(text, words[i], length) == 0 && (text[length] == '.' || text[length] == '\0'))
            return i;
    }
    return -1;
}

/* What an opcode says beside its name: types, a comparison, a space. */
static bool read_opcode(struct parsing *parsing, const char *opcode, struct ptx_instruction *code)
{
    size_t i = 0, count = sizeof ops / sizeof ops[0];

    while (i < count && strncmp(opcode, ops[i].begins, strlen(ops[i].begins)) != 0)
        i++;
    if (i == count)
        return fail(parsing, "no such instruction", opcode);
    const char *rest = opcode + strlen(ops[i].begins), *last = strrchr(opcode, '.');
    code->op = ops[i].op;
    code->vector = strstr(opcode, ".v4.") != NULL ? 4 : 1;
    if (code->op == PTX_BRA || code->op == PTX_RET || code->op == PTX_BAR)
        return true;
    if (code->op == PTX_MMA) {
        (void)snprintf(code->shape, sizeof code->shape, "%s", rest);
        return true;
    }
    code->compare = code->op == PTX_SETP ? index_of(compares, 6, rest) : 0;
    int space = code->op == PTX_LD || code->op == PTX_ST ? index_of(spaces, 5, rest) : 0;
    if (last == NULL || code->compare < 0 || space < 0 ||
        !read_type(last + 1, &code->type, &code->bits))
        return fail(parsing, "no such type", opcode);
    code->space = (enum ptx_space)space;
    if (code->op == PTX_CVT) {
        char to[16];
        const char *before = last;

        while (before > opcode && before[-1] != '.')
            before--;
        (void)snprintf(to, sizeof to, "%.*s", (int)(last - before), before);
        code->from = code->type;
        code->from_bits = code->bits;
        return read_type(to, &code->type, &code->bits) || fail(parsing, "no such type", opcode);
    }
    return true;
}

static bool read_instruction(struct parsing *parsing, char *text)
{
    struct ptx_kernel *kernel = parsing->kernel;
    struct ptx_instruction code = { .guard = -1 };

    text[strcspn(text, ";")] = '\0';
    if (text[0] == '@') {
        char *guard = text + 1;

        code.is_guard_negated = guard[0] == '!';
        guard += code.is_guard_negated;
        text = guard + strcspn(guard, " \t");
        *text++ = '\0';
        text += strspn(text, " \t");
        struct name *name = find(&parsing->registers, guard, true);
        if (name == NULL)
            return fail(parsing, "too many registers at", guard);
        code.guard = (int)name->value;
    }
    char *operands = text + strcspn(text, " \t");
    if (*operands != '\0')
        *operands++ = '\0';
    if (!read_opcode(parsing, text, &code))
        return false;
    if (code.op == PTX_BRA) {
        operands += strspn(operands, " \t");
        struct name *label = find(&parsing->labels, operands, true);
        if (label == NULL)
            return fail(parsing, "too many labels at", operands);
        code.target = (size_t)(label - parsing->labels.all); /* a place, once all is read */
    } else if (!read_operands(parsing, operands, &code)) {
        return false;
    }
    if (kernel->count == kernel->capacity) {
        kernel->capacity = kernel->capacity == 0 ? 1024 : 2 * kernel->capacity;
        kernel->code = realloc(kernel->code, kernel->capacity * sizeof *kernel->code);
        if (kernel->code == NULL)
            abort();
    }
    kernel->code[kernel->count++] = code;
    return true;
}

/* ".local .align 4 .b8 NAME[64];" and the like: where it is, and how far the space reaches now. */
static bool add_symbol(struct parsing *parsing, const char *text, uint64_t base, size_t *size)
{
    const char *align = strstr(text, ".align "), *bytes = strstr(text, ".b8 ");
    size_t step = align != NULL ? strtoul(align + strlen(".align "), NULL, 10) : 1;
    char name[PTX_NAME];

    if (bytes == NULL || step == 0 || strchr(bytes, '[') == NULL)
        return fail(parsing, "what variable is", text);
    bytes += strspn(bytes + strlen(".b8"), " \t") + strlen(".b8");
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(bytes, "["), bytes);
    *size = (*size + step - 1) / step * step;
    struct name *symbol = find(&parsing->symbols, name, true);
    if (symbol == NULL)
        return fail(parsing, "too many variables at", name);
    symbol->value = base + *size;
    *size += strtoul(strchr(bytes, '[') + 1, NULL, 10);
    return true;
}

static bool add_constant(struct parsing *parsing, const char *text)
{
    struct ptx_module *module = parsing->module;
    const char *at = strchr(text, '{');

    if (!add_symbol(parsing, text, PTX_CONST_BASE, &module->constants_size) || at == NULL ||
        module->constants_size > sizeof module->constants)
        return fail(parsing, "what constant is", text);
    uint64_t first = parsing->symbols.all[parsing->symbols.count - 1].value - PTX_CONST_BASE;
    for (uint64_t i = first; i < module->constants_size && at != NULL; i++) {
        module->constants[i] = (uint8_t)strtoul(at + 1, NULL, 10);
        at = strchr(at + 1, ',');
    }
    return true;
}

static bool add_param(struct parsing *parsing, const char *text)
{
    struct ptx_kernel *kernel = parsing->kernel;
    const char *type = text + strlen(".param .");
    char name[PTX_NAME], kind;
    unsigned bits;
    size_t at = kernel->param_count;

    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(type, " \t"), type);
    if (at == PTX_PARAMS || !read_type(name, &kind, &bits))
        return fail(parsing, "what parameter is", text);
    type += strcspn(type, " \t");
    type += strspn(type, " \t");
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(type, ",) \t"), type);
    kernel->params_size = (kernel->params_size + bits / 8 - 1) / (bits / 8) * (bits / 8);
    kernel->param_offsets[at] = kernel->params_size;
    kernel->param_sizes[at] = bits / 8;
    kernel->param_count++;
    struct name *symbol = find(&parsing->symbols, name, true);
    if (symbol == NULL)
        return fail(parsing, "too many variables at", name);
    symbol->value = kernel->params_size;
    kernel->params_size += bits / 8;
    return true;
}

static bool begin_kernel(struct parsing *parsing, const char *text)
{
    struct ptx_module *module = parsing->module;
    struct ptx_kernel *all =
        realloc(module->kernels, (module->kernel_count + 1) * sizeof *module->kernels);

    if (all == NULL)
        abort();
    module->kernels = all;
    parsing->kernel = &all[module->kernel_count++];
    *parsing->kernel = (struct ptx_kernel){ 0 };
    (void)snprintf(parsing->kernel->name, PTX_NAME, "%.*s", (int)strcspn(text, "( \t"), text);
    forget(&parsing->registers);
    forget(&parsing->labels);
    return true;
}

/* Jumps were to labels by their numbers. */
static bool end_kernel(struct parsing *parsing)
{
    struct ptx_kernel *kernel = parsing->kernel;

    for (size_t i = 0; i < kernel->count; i++) {
        struct ptx_instruction *code = &kernel->code[i];

        if (code->op != PTX_BRA)
            continue;
        const struct name *label = &parsing->labels.all[code->target];
        if (!label->is_placed)
            return fail(parsing, "no such label", label->text);
        code->target = label->value;
    }
    kernel->register_count = parsing->registers.count;
    parsing->kernel = NULL;
    return true;
}

static bool take_line(struct parsing *parsing, char *text)
{
    struct ptx_kernel *kernel = parsing->kernel;
    char *colon;

    if (strncmp(text, ".target sm_", 11) == 0) {
        parsing->module->target = (unsigned)strtoul(text + 11, NULL, 10);
        return true;
    }
    if (strncmp(text, ".visible .const ", 16) == 0 || strncmp(text, ".const ", 7) == 0)
        return add_constant(parsing, text);
    if (strncmp(text, ".visible .entry ", 16) == 0)
        return begin_kernel(parsing, text + 16);
    if (strncmp(text, ".param ", 7) == 0 && kernel != NULL)
        return add_param(parsing, text);
    if (strncmp(text, ".local ", 7) == 0 && kernel != NULL)
        return add_symbol(parsing, text, PTX_LOCAL_BASE, &kernel->local_size);
    if (strncmp(text, ".shared ", 8) == 0 && kernel != NULL)
        return add_symbol(parsing, text, PTX_SHARED_BASE, &kernel->shared_size);
    if (strncmp(text, ".version", 8) == 0 || strncmp(text, ".address_size 64", 16) == 0 ||
        strncmp(text, ".reg ", 5) == 0 || strncmp(text, ".pragma ", 8) == 0 || text[0] == ')' ||
        text[0] == '{')
        return true;
    if (kernel == NULL)
        return fail(parsing, "what is", text);
    if (text[0] == '}')
        return end_kernel(parsing);
    colon = text + strcspn(text, ": \t");
    if (*colon != ':')
        return read_instruction(parsing, text);
    *colon = '\0';
    struct name *label = find(&parsing->labels, text, true);
    if (label == NULL)
        return fail(parsing, "too many labels at", text);
    label->value = kernel->count;
    label->is_placed = true;
    return true;
}

struct ptx_module *ptx_parse(const char *text, char ret_words[static PTX_WORDS_SIZE])
{
    struct parsing *parsing = calloc(1, sizeof *parsing);
    struct ptx_module *module = calloc(1, sizeof *module);
    bool is_good = true;

    if (parsing == NULL || module == NULL)
        abort();
    *ret_words = '\0';
    parsing->module = module;
    parsing->words = ret_words;
    while (is_good && *text != '\0') {
        char line[LINE_MAX_SIZE];
        size_t length = strcspn(text, "\n");

        (void)snprintf(line, sizeof line, "%.*s", (int)length, text);
        text += length + (text[length] == '\n' ? 1 : 0);
        char *comment = strstr(line, "//"), *begin = line;
        if (comment != NULL)
            *comment = '\0';
        while (isspace((unsigned char)*begin))
            begin++;
        is_good = *begin == '\0' || take_line(parsing, begin);
    }
    if (is_good && parsing->kernel != NULL)
        is_good = fail(parsing, "it does not end", parsing->kernel->name);
    free(parsing);
    if (!is_good)
        ptx_free(module);
    return is_good ? module : NULL;
}

void ptx_free(struct ptx_module *module)
{
    for (size_t i = 0; module != NULL && i < module->kernel_count; i++)
        free(module->kernels[i].code);
    if (module != NULL)
        free(module->kernels);
    free(module);
}

const struct ptx_kernel *ptx_find(const struct ptx_module *module, const char *name)
{
    for (size_t i = 0; i < module->kernel_count; i++) {
        if (strcmp(module->kernels[i].name, name) == 0)
            return &module->kernels[i];
    }
    return NULL;
}
