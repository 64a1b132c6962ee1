/* The kernels: single source of their prototypes and of their table.
 *
 *         name     operands  auxiliary  work rows (0 none, 1 one, 2 M)
 *                  what the terms of order 1 are made of: R the result's values, O the operands',
 *                  S: terms that are still to be multiplied may be given (see dd_num)          */
/* clang-format off */
#define DD_KERNELS                                                                   \
    DD_KERNEL(add,     2, DD_NONE,  0, S)     /* c = a + b                        */ \
    DD_KERNEL(sub,     2, DD_NONE,  0, S)     /* c = a - b                        */ \
    DD_KERNEL(pos,     1, DD_NONE,  0, S)     /* c = a: a copy                    */ \
    DD_KERNEL(neg,     1, DD_NONE,  0, S)     /* c = -a                           */ \
    DD_KERNEL(mul,     2, DD_NONE,  0, O|S)   /* c = a b                          */ \
    DD_KERNEL(div,     2, DD_NONE,  0, R|O|S) /* c = a / b                        */ \
    DD_KERNEL(power,   1, DD_NONE,  1, O|S)   /* c = a ** p, p constant           */ \
    DD_KERNEL(sqrt,    1, DD_NONE,  0, R|S)                                          \
    DD_KERNEL(exp,     1, DD_NONE,  0, R|S)                                          \
    DD_KERNEL(log,     1, DD_NONE,  0, O|S)                                          \
    DD_KERNEL(expm1,   1, DD_EXP,   1, O|S)                                          \
    DD_KERNEL(log1p,   1, DD_NONE,  1, O|S)                                          \
    DD_KERNEL(sin,     1, DD_COS,   2, O|S)                                          \
    DD_KERNEL(cos,     1, DD_SIN,   2, O|S)                                          \
    DD_KERNEL(tan,     1, DD_NONE,  2, R|S)                                          \
    DD_KERNEL(sinh,    1, DD_COSH,  2, O|S)                                          \
    DD_KERNEL(cosh,    1, DD_SINH,  2, O|S)                                          \
    DD_KERNEL(tanh,    1, DD_DECAY, 2, O|S)                                          \
    DD_KERNEL(abs,     1, DD_NONE,  0, O)                                            \
    DD_KERNEL(pick,    2, DD_NONE,  0, R|O)   /* a or b, whichever c's value is   */ \
    DD_KERNEL(maximum, 2, DD_NONE,  0, R|O)   /* the same, of this value          */ \
    DD_KERNEL(minimum, 2, DD_NONE,  0, R|O)                                          \
    DD_KERNEL(choose,  2, DD_NONE,  0, R|O)   /* a where the mask is not 0, else b */ \
    DD_KERNEL(chain,   2, DD_NONE,  0, O|S)   /* E c = b E a: b is the derivative */
/* clang-format on */
