/* The kernels: single source of their prototypes and of their table.
 *
 *         name   operands  auxiliary   work rows (0 none, 1 one, 2 M)          */
/* clang-format off */
#define DD_KERNELS                                                                \
    DD_KERNEL(add,   2, DD_NONE, 0) /* c = a + b                               */ \
    DD_KERNEL(sub,   2, DD_NONE, 0) /* c = a - b                               */ \
    DD_KERNEL(neg,   1, DD_NONE, 0) /* c = -a                                  */ \
    DD_KERNEL(mul,   2, DD_NONE, 0) /* c = a b                                 */ \
    DD_KERNEL(div,   2, DD_NONE, 0) /* c = a / b                               */ \
    DD_KERNEL(power, 1, DD_NONE, 1) /* c = a ** p, p constant                  */ \
    DD_KERNEL(sqrt,  1, DD_NONE, 0)                                               \
    DD_KERNEL(exp,   1, DD_NONE, 0)                                               \
    DD_KERNEL(log,   1, DD_NONE, 0)                                               \
    DD_KERNEL(expm1, 1, DD_EXP,  1)                                               \
    DD_KERNEL(log1p, 1, DD_NONE, 1)                                               \
    DD_KERNEL(sin,   1, DD_COS,  2)                                               \
    DD_KERNEL(cos,   1, DD_SIN,  2)                                               \
    DD_KERNEL(tan,   1, DD_NONE, 2)                                               \
    DD_KERNEL(sinh,  1, DD_COSH, 2)                                               \
    DD_KERNEL(cosh,  1, DD_SINH, 2)                                               \
    DD_KERNEL(tanh,  1, DD_DECAY, 2)                                              \
    DD_KERNEL(abs,   1, DD_NONE, 0)                                               \
    DD_KERNEL(pick,  2, DD_NONE, 0) /* c = a or b, whichever has the value of c */ \
    DD_KERNEL(maximum, 2, DD_NONE, 0) /* the same, of this value               */ \
    DD_KERNEL(minimum, 2, DD_NONE, 0)                                             \
    DD_KERNEL(choose, 2, DD_NONE, 0) /* c = a where the mask is not 0, else b  */ \
    DD_KERNEL(chain, 2, DD_NONE, 0) /* E c = b E a: b is the derivative        */
/* clang-format on */
