/* The kernels for each element type; the checks are in the template. */
#include <float.h>
#include <math.h>

#include "test.h"

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define FN(name) JOIN(name, SUFFIX)

#define T float
#define SUFFIX f32
#define TYPE DD_F32
#define EPS FLT_EPSILON
#define LIBM(name) name##f
#include "test_kernels.template.h"

#define T double
#define SUFFIX f64
#define TYPE DD_F64
#define EPS DBL_EPSILON
#define LIBM(name) name
#include "test_kernels.template.h"

#define T long double
#define SUFFIX ld
#define TYPE DD_LD
#define EPS LDBL_EPSILON
#define LIBM(name) name##l
#include "test_kernels.template.h"
