/* The kernels for float, double and long double, and their table. */
#include "dualdiff.h"

#include <math.h>

/* Several versions of each kernel, chosen when the program is loaded, so that a
 * build for any x86-64 uses the vectors of the machine it runs on. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__) && \
    !defined(DD_NO_CLONES)
#define DD_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DD_CLONES
#endif
#if defined(__GNUC__)
#define DD_INLINE static inline __attribute__((always_inline))
#else
#define DD_INLINE static inline
#endif

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define FN(name) JOIN(name, SUFFIX)

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

const dd_kernel_info dd_kernels[DD_NKERNELS] = {
#define DD_KERNEL(name, nin, aux, work) \
    {#name, nin, aux, work, {name##_f32, name##_f64, name##_ld}},
    DD_KERNELS
#undef DD_KERNEL
};

ptrdiff_t dd_work_rows(const dd_table *A, int kernel) {
    int work = dd_kernels[kernel].work;
    /* At order 1 only the auxiliary row is read. */
    return work < 2 ? work : A->D == 1 ? 1 : (ptrdiff_t)A->M;
}
