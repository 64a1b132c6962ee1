/* The kernels for float, double and long double, and their table. */
#include "dualdiff.h"

#include <math.h>

#include "types.h"

#define T float
#define SUFFIX f32
#define SQRT sqrtf
#define POW powf
#include "kernels.template.h"

#define T double
#define SUFFIX f64
#define SQRT sqrt
#define POW pow
#include "kernels.template.h"

#define T long double
#define SUFFIX ld
#define SQRT sqrtl
#define POW powl
#include "kernels.template.h"

enum { R = DD_RESULT, O = DD_OPERANDS, S = DD_SCALES };
const dd_kernel_info dd_kernels[DD_NKERNELS] = {
#define DD_KERNEL(name, nin, aux, work, terms) \
    {#name, nin, aux, work, terms, {name##_f32, name##_f64, name##_ld}},
    DD_KERNELS
#undef DD_KERNEL
};

#define VALUED(name) [DD_##name] = {name##_valued_f32, name##_valued_f64, name##_valued_ld}
const dd_kernel dd_valued[DD_NKERNELS][DD_NTYPES] = {
    VALUED(add), VALUED(sub), VALUED(pos),   VALUED(neg),
    VALUED(mul), VALUED(div), VALUED(power), VALUED(sqrt),
};
#undef VALUED

ptrdiff_t dd_work_rows(const dd_table *A, int kernel) {
    int work = dd_kernels[kernel].work;
    /* At order 1 only the auxiliary row is read. */
    return work < 2 ? work : A->D == 1 ? 1 : (ptrdiff_t)A->M;
}
