/* Vector instructions of x86-64, as many as loops over rows of numbers need. */
#ifndef DD_X86_H
#define DD_X86_H

#include <stddef.h>

/* Where instructions are written.  Of floats or of doubles, in vectors of 64 bytes and 32
 * registers (AVX-512), or of 32 bytes and 16 registers (AVX2). */
typedef struct {
    unsigned char *at, *end; /* room left: none where `full` */
    int full, wide, floats;
} x86_code;

/* rows[i]: the end of row i, or the address of what is broadcast; bytes: from the begin of a row to
 * its end, a multiple of a vector.  Returns whether anything looked at was a NaN. */
typedef int (*x86_loop)(char *const *rows, ptrdiff_t bytes);

/* Opcodes of what has two operands, and one. */
enum {
    X86_SQRT = 0x51,
    X86_OR = 0x56,
    X86_XOR = 0x57,
    X86_ADD = 0x58,
    X86_MUL = 0x59,
    X86_SUB = 0x5C,
    X86_DIV = 0x5E
};

/* Whether this processor runs such code, with vectors of 64 bytes if `wide`. */
int x86_runs(int wide);

/* For tests: 0 lets every processor do as one without AVX-512. */
extern int x86_may_be_wide;

void x86_two(x86_code *c, int opcode, int to, int a, int b);
void x86_one(x86_code *c, int opcode, int to, int a);
void x86_load(x86_code *c, int to, int row);
void x86_store(x86_code *c, int from, int row);
void x86_look_at(x86_code *c, int a, int spare); /* changes the register `spare` */
void x86_prefetch(x86_code *c, int row);
void x86_broadcast(x86_code *c, int to, int row); /* the first element of a row, which has no end */

/* Registers that are free for values: the first ones. */
int x86_registers(const x86_code *c);

/* Before the loop, where all that it needs in registers may be loaded; around its body. */
void x86_enter(x86_code *c);
unsigned char *x86_begin(const x86_code *c);
void x86_end(x86_code *c, const unsigned char *begin);

/* Memory that holds these instructions and may be executed, but no more be written, until it is
 * withdrawn: NULL if there is none now, or the system refuses it. */
const unsigned char *x86_publish(const unsigned char *code, size_t bytes);
void x86_withdraw(const unsigned char *code);

#endif
