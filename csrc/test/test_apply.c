/* Whole arrays: every layout gives the bits that flat copies of the operands give. */
#include <fenv.h>
#include <math.h>

#include "test.h"

static void multiply(char **args, const ptrdiff_t *n, const ptrdiff_t *steps, void *data) {
    for (ptrdiff_t e = 0; e < *n; e++)
        *(double *)(args[2] + e * steps[2]) =
            *(double *)(args[0] + e * steps[0]) * *(double *)(args[1] + e * steps[1]);
    ++*(int *)data;
}

#define UNARY(name, T, f)                                                                   \
    static void name(char **args, const ptrdiff_t *n, const ptrdiff_t *steps, void *data) { \
        for (ptrdiff_t e = 0; e < *n; e++)                                                  \
            *(T *)(args[1] + e * steps[1]) = f(*(T *)(args[0] + e * steps[0]));             \
    }
UNARY(sine, double, sin)
UNARY(cosine, double, cos)
UNARY(sine_ld, long double, sinl)
UNARY(cosine_ld, long double, cosl)
UNARY(sine_f32, float, sinf)
UNARY(cosine_f32, float, cosf)
UNARY(logarithm, double, log)

/* An operand with memory of its own: element 0 of the value and of the first row of terms,
 * and strides in bytes, the same for both. */
typedef struct {
    char *memory;
    dd_array x;
} array;

enum { ND = 3 };

/* A random operand of the given item size.  step[q]: elements between neighbours along
 * axis q, negative or zero too; `flat` says that it lies in the order of the result. */
static array random_array(const dd_table *A, int type, const ptrdiff_t *shape,
                          const ptrdiff_t *step, int terms) {
    static const ptrdiff_t item[] = {sizeof(float), sizeof(double), sizeof(long double)};
    ptrdiff_t low = 0, high = 0;
    array a = {0};
    for (int q = 0; q < ND; q++) {
        ptrdiff_t reach = (shape[q] - 1) * step[q];
        low += reach < 0 ? reach : 0, high += reach > 0 ? reach : 0;
        a.x.vs[q] = a.x.es[q] = step[q] * item[type];
    }
    ptrdiff_t row = high - low + 1;
    a.memory = malloc(A->M * row * item[type]);
    for (ptrdiff_t i = 0; i < A->M * row; i++) {
        double r = test_uniform(0.5, 1.5);
        if (type == DD_F32) ((float *)a.memory)[i] = (float)r;
        if (type == DD_F64) ((double *)a.memory)[i] = r;
        if (type == DD_LD) ((long double *)a.memory)[i] = r;
    }
    a.x.v = a.memory - low * item[type];
    a.x.ts = row * item[type];
    a.x.t = terms ? a.x.v + a.x.ts : NULL;
    a.x.rows = terms ? A->M - 1 : 0;
    if (!terms) a.x.ts = 0;
    a.x.single = row == 1;
    ptrdiff_t full = 1;
    a.x.flat = 1;
    for (int q = ND - 1; q >= 0; full *= shape[q--]) a.x.flat &= step[q] == full;
    return a;
}

/* Each row of terms is its first element all along. */
static void make_even(array *a) {
    a->x.even = 1, a->x.strided = !a->x.flat, a->x.flat = 0;
    for (int q = 0; q < ND; q++) a->x.es[q] = 0;
}

/* The element with flat index e, as M values; terms are 0 for a constant. */
static void element(const dd_table *A, const array *a, const ptrdiff_t *shape, ptrdiff_t e,
                    double *out) {
    const char *v = a->x.v, *t = a->x.t;
    for (int q = ND - 1; q >= 0; q--) {
        v += e % shape[q] * a->x.vs[q];
        if (t) t += e % shape[q] * a->x.es[q];
        e /= shape[q];
    }
    out[0] = *(const double *)v;
    for (int64_t k = 1; k < A->M; k++) out[k] = t ? *(const double *)(t + (k - 1) * a->x.ts) : 0;
}

/* A job of one step. */
static dd_job job_of(dd_step *step, const dd_table *A, int kernel, int type,
                     const ptrdiff_t *shape) {
    *step = (dd_step){.A = A, .kernel = kernel};
    dd_job job = {.type = type, .nd = ND, .size = 1, .steps = step, .count = 1};
    for (int q = 0; q < ND; q++) job.shape[q] = shape[q], job.size *= shape[q];
    return job;
}

/* Products of operands of all layouts, several blocks long. */
static void check_layouts(void) {
    static const ptrdiff_t shape[ND] = {5, 31, 23}, flat[ND] = {31 * 23, 23, 1};
    static const ptrdiff_t layouts[][ND] = {
        {31 * 23, 23, 1},  /* flat */
        {31 * 23, 23, 1},  /* the same, rows of terms even */
        {1, 5, 5 * 31},    /* Fortran order */
        {31 * 23, 23, -1}, /* reversed */
        {-31 * 46, 46, 2}, /* every second element, reversed */
        {0, 23, 1},        /* broadcast along the first axis */
        {23, 0, 1},        /* along the second */
        {31, 1, 0},        /* along the last */
        {0, 0, 0},         /* one element for all */
    };
    enum { LAYOUTS = sizeof layouts / sizeof *layouts };
    int32_t seeds = 2, order = 3;
    dd_table *A = test_table(1, &seeds, &order, 0, NULL, NULL);
    double *x = malloc(3 * A->M * sizeof *x), *y = x + A->M, *z = x + 2 * A->M;
    for (int i = 0; i < LAYOUTS * LAYOUTS * 3; i++) {
        int la = i % LAYOUTS, lb = i / LAYOUTS % LAYOUTS, constant = i / LAYOUTS / LAYOUTS,
            calls = 0;
        if (la > 4 && lb > 4) continue; /* the shape would not be the broadcast one */
        array a = random_array(A, DD_F64, shape, layouts[la], constant != 1);
        array b = random_array(A, DD_F64, shape, layouts[lb], constant != 2);
        array c = random_array(A, DD_F64, shape, flat, 1);
        if ((la == 1 || (la < 7 && i % 5 == 0)) && a.x.t) make_even(&a);
        if ((lb == 1 || (lb < 7 && i % 3 == 0)) && b.x.t) make_even(&b);
        dd_step step;
        dd_job job = job_of(&step, A, DD_mul, DD_F64, shape);
        step.a = a.x, step.b = b.x, step.c = c.x;
        step.value = (dd_fn){multiply, &calls};
        CHECK(dd_apply(&job) == DD_OK, "status");
        CHECK(calls > 1, "one block only");
        ptrdiff_t bad = 0;
        for (ptrdiff_t e = 0; e < job.size; e++) {
            element(A, &a, shape, e, x);
            element(A, &b, shape, e, y);
            double w = x[0] * y[0];
            dd_num nx = {x, a.x.t ? x + 1 : NULL, 1, NULL};
            dd_num ny = {y, b.x.t ? y + 1 : NULL, 1, NULL};
            dd_num nw = {z, z + 1, 1, NULL};
            dd_kernels[DD_mul].run[DD_F64](A, 1, &nw, &nx, &ny, 0, NULL, 1);
            z[0] = w;
            double got[64];
            element(A, &c, shape, e, got);
            bad += memcmp(got, z, A->M * sizeof *z) != 0;
        }
        CHECK(!bad, "layouts %d and %d: %ld elements differ", la, lb, (long)bad);
        free(a.memory);
        free(b.memory);
        free(c.memory);
    }
    free(x);
    dd_table_free(A);
}

/* The element that is number e of an operand whose axis begins with element `cut`. */
static ptrdiff_t rolled(const ptrdiff_t *shape, int axis, ptrdiff_t cut, ptrdiff_t e) {
    ptrdiff_t step = 1;
    for (int q = axis + 1; q < ND; q++) step *= shape[q];
    ptrdiff_t at = e / step % shape[axis];
    return e + ((at + cut) % shape[axis] - at) * step;
}

/* Operands that go around an axis: a copy, and a product of two with a third in between. */
static void check_rolled(void) {
    static const ptrdiff_t shape[ND] = {5, 31, 23}, flat[ND] = {31 * 23, 23, 1};
    static const ptrdiff_t layouts[][ND] = {{31 * 23, 23, 1}, {1, 5, 155}, {31 * 46, 46, -2}};
    int32_t seeds = 2, orders[] = {1, 3};
    for (int i = 0; i < 2 * 3 * ND * 4; i++) {
        int axis = i / 6 % ND, even = i / 6 / ND % 2, constant = i % 12 == 3;
        ptrdiff_t cut = i % 5 ? 1 + i % (shape[axis] - 1) : shape[axis] - 1, bad = 0;
        dd_table *A = test_table(1, &seeds, orders + i % 2, 0, NULL, NULL);
        array a = random_array(A, DD_F64, shape, layouts[i / 2 % 3], !constant);
        array b = random_array(A, DD_F64, shape, flat, 1),
              c = random_array(A, DD_F64, shape, flat, 1);
        double x[64], y[64], z[64], got[64];
        int calls = 0;
        if (even && !constant) make_even(&a);
        a.x.flat = 0, a.x.axis = axis, a.x.cut = cut, a.x.strided = a.x.even;
        dd_step steps[2];
        dd_job job = job_of(steps + 1, A, DD_mul, DD_F64, shape);
        steps[0] = (dd_step){.A = A, .kernel = DD_pos, .a = a.x, .exact = 1};
        steps[1].from_a = 1, steps[1].b = b.x, steps[1].c = c.x;
        steps[1].value = (dd_fn){multiply, &calls};
        job.steps = steps, job.count = 2;
        if (i % 3 == 0) steps[1].a = a.x, steps[1].from_a = 0, job.steps++, job.count = 1;
        dd_set_threads(1 + i % 2);
        CHECK(dd_apply(&job) == DD_OK, "status");
        for (ptrdiff_t e = 0; e < job.size; e++) {
            element(A, &a, shape, rolled(shape, axis, cut, e), x);
            element(A, &b, shape, e, y);
            element(A, &c, shape, e, got);
            dd_num nx = {x, x + 1, 1, NULL}, ny = {y, y + 1, 1, NULL}, nz = {z, z + 1, 1, NULL};
            if (constant) nx.t = NULL;
            z[0] = x[0] * y[0];
            dd_kernels[DD_mul].run[DD_F64](A, 1, &nz, &nx, &ny, 0, NULL, 1);
            bad += memcmp(got, z, A->M * sizeof *z) != 0;
        }
        CHECK(!bad, "case %d: %ld elements differ", i, (long)bad);
        free(a.memory), free(b.memory), free(c.memory);
        dd_table_free(A);
    }
    dd_set_threads(1);
}

/* A kernel with a partner function, of every type, strided against flat. */
static void check_types(void) {
    static const ptrdiff_t shape[ND] = {3, 40, 29}, flat[ND] = {1160, 29, 1},
                           every[ND] = {1, 3, 120};
    static const dd_fn value[] = {{sine_f32, NULL}, {sine, NULL}, {sine_ld, NULL}};
    static const dd_fn aux[] = {{cosine_f32, NULL}, {cosine, NULL}, {cosine_ld, NULL}};
    static const ptrdiff_t item[] = {sizeof(float), sizeof(double), sizeof(long double)};
    int32_t seeds[] = {3, 1}, order[] = {1, 2};
    dd_table *A = test_table(2, seeds, order, 0, NULL, NULL);
    for (int type = 0; type < DD_NTYPES; type++) {
        array a = random_array(A, type, shape, every, 1), f = random_array(A, type, shape, flat, 1);
        array c = random_array(A, type, shape, flat, 1), d = random_array(A, type, shape, flat, 1);
        ptrdiff_t size = 3 * 40 * 29;
        for (ptrdiff_t e = 0; e < size; e++) /* the same elements, flat */
            for (int64_t k = 0; k < A->M; k++) {
                ptrdiff_t from = e / 1160 + e / 29 % 40 * 3 + e % 29 * 120;
                memcpy(f.memory + (k * size + e) * item[type],
                       a.memory + (k * size + from) * item[type], item[type]);
            }
        dd_step step, other;
        dd_job job = job_of(&step, A, DD_sin, type, shape);
        dd_job plain = job_of(&other, A, DD_sin, type, shape);
        step.a = a.x, step.c = c.x, other.a = f.x, other.c = d.x;
        step.value = other.value = value[type], step.aux = other.aux = aux[type];
        CHECK(dd_apply(&job) == DD_OK && dd_apply(&plain) == DD_OK, "status");
        ptrdiff_t bad = 0, used = type == DD_LD ? 10 : item[type]; /* x87: the rest is padding */
        for (ptrdiff_t i = 0; i < A->M * size; i++)
            bad += memcmp(c.memory + i * item[type], d.memory + i * item[type], used) != 0;
        CHECK(!bad, "type %d: %ld differ", type, (long)bad);
        free(a.memory);
        free(f.memory);
        free(c.memory);
        free(d.memory);
    }
    dd_table_free(A);
}

/* Operands that have some of the rows of the result only, in an order of their own. */
static void check_maps(int order) {
    static const ptrdiff_t shape[ND] = {2, 30, 40}, flat[ND] = {1200, 40, 1},
                           turned[ND] = {1, 2, 60};
    /* Seeds of the operands, 3 of 5, then their products where there are any. */
    static const int32_t seeds_a[] = {2, 0, 3}, seeds_b[] = {1, 2, 4};
    static const int kernels[] = {DD_add, DD_sub, DD_mul, DD_div};
    int32_t five = 5, three = 3, map_a[64] = {0}, map_b[64] = {0};
    dd_table *A = test_table(1, &five, &order, 0, NULL, NULL);
    dd_table *B = test_table(1, &three, &order, 0, NULL, NULL);
    for (int32_t i = 0; i < 3; i++) {
        map_a[1 + seeds_a[i]] = map_b[1 + seeds_b[i]] = 1 + i;
        for (int32_t j = i; j < 3 && order > 1; j++) {
            int32_t in[] = {i, j}, p[] = {seeds_a[i], seeds_a[j]}, q[] = {seeds_b[i], seeds_b[j]};
            if (p[0] > p[1]) p[0] = seeds_a[j], p[1] = seeds_a[i];
            map_a[dd_rank(5, 2, p)] = map_b[dd_rank(5, 2, q)] = (int32_t)dd_rank(3, 2, in);
        }
    }
    for (int i = 0; i < 4; i++) {
        array a = random_array(B, DD_F64, shape, i % 2 ? flat : turned, 1);
        array b = random_array(B, DD_F64, shape, flat, 1),
              c = random_array(A, DD_F64, shape, flat, 1);
        dd_step step;
        dd_job job = job_of(&step, A, kernels[i], DD_F64, shape);
        step.a = a.x, step.b = b.x, step.c = c.x;
        step.a.map = map_a, step.b.map = map_b;
        CHECK(dd_apply(&job) == DD_OK, "status");
        double x[64], y[64], got[64], want[64], full_x[64], full_y[64];
        ptrdiff_t bad = 0;
        for (ptrdiff_t e = 0; e < job.size; e++) {
            element(B, &a, shape, e, x);
            element(B, &b, shape, e, y);
            element(A, &c, shape, e, got);
            want[0] = got[0], full_x[0] = x[0], full_y[0] = y[0];
            for (int k = 1; k < A->M; k++) {
                full_x[k] = map_a[k] ? x[map_a[k]] : 0;
                full_y[k] = map_b[k] ? y[map_b[k]] : 0;
            }
            dd_num nx = {full_x, full_x + 1, 1, NULL};
            dd_num ny = {full_y, full_y + 1, 1, NULL};
            dd_num nw = {want, want + 1, 1, NULL};
            dd_kernels[kernels[i]].run[DD_F64](A, 1, &nw, &nx, &ny, 0, NULL, 1);
            for (int k = 0; k < A->M; k++) bad += got[k] != want[k];
        }
        CHECK(!bad, "%s at order %d: %ld rows differ", dd_kernels[kernels[i]].name, order,
              (long)bad);
        free(a.memory);
        free(b.memory);
        free(c.memory);
    }
    dd_table_free(A);
    dd_table_free(B);
}

static void add(char **args, const ptrdiff_t *n, const ptrdiff_t *steps, void *data) {
    (void)data;
    for (ptrdiff_t e = 0; e < *n; e++)
        *(double *)(args[2] + e * steps[2]) =
            *(double *)(args[0] + e * steps[0]) + *(double *)(args[1] + e * steps[1]);
}

static void subtract(char **args, const ptrdiff_t *n, const ptrdiff_t *steps, void *data) {
    (void)data;
    for (ptrdiff_t e = 0; e < *n; e++)
        *(double *)(args[2] + e * steps[2]) =
            *(double *)(args[0] + e * steps[0]) - *(double *)(args[1] + e * steps[1]);
}

/* sin(a) * b, (sin(a) * b) + sin(a), log of it, all times a, plus a constant, times the same: in
 * one job, of which one result in the middle is kept or not, and one after another. */
static void check_chains(void) {
    enum { STEPS = 7 };
    static const ptrdiff_t shape[ND] = {31, 40, 50}, flat[ND] = {2000, 50, 1},
                           turned[ND] = {1, 31, 1240};
    static const int kernels[STEPS] = {DD_sin, DD_mul, DD_add, DD_log, DD_mul, DD_add, DD_mul};
    static const int from[STEPS][2] = {{0, 0}, {1, 0}, {2, 1}, {3, 0}, {4, 0}, {5, 0}, {6, 5}};
    int calls = 0;
    const dd_fn values[STEPS] = {{sine, NULL},      {multiply, &calls}, {add, NULL},
                                 {logarithm, NULL}, {multiply, &calls}, {add, NULL},
                                 {multiply, &calls}};
    static const ptrdiff_t one_element[ND] = {0, 0, 0};
    for (int32_t order = 1; order <= 3; order++) {
        int32_t seeds = 2;
        dd_table *A = test_table(1, &seeds, &order, 0, NULL, NULL);
        array a = random_array(A, DD_F64, shape, turned, 1);
        array b = random_array(A, DD_F64, shape, flat, 1);
        array k = random_array(A, DD_F64, shape, one_element, 0);
        array want[STEPS], got[STEPS];
        dd_step steps[STEPS], one;
        ptrdiff_t bytes = A->M * 31 * 40 * 50 * sizeof(double);
        ((double *)a.memory)[-(a.x.v - a.memory) / (ptrdiff_t)sizeof(double)] = 0; /* log(0) */
        for (int s = 0; s < STEPS; s++) {
            want[s] = random_array(A, DD_F64, shape, flat, 1);
            got[s] = random_array(A, DD_F64, shape, flat, 1);
            dd_job job = job_of(&one, A, kernels[s], DD_F64, shape);
            steps[s] = one;
            steps[s].value = one.value = values[s];
            steps[s].aux = one.aux = (dd_fn){cosine, NULL};
            steps[s].from_a = from[s][0], steps[s].from_b = from[s][1];
            const dd_array *second[STEPS] = {NULL, &b.x, NULL, NULL, &a.x, &k.x, NULL};
            if (!from[s][0]) steps[s].a = a.x;
            if (second[s]) steps[s].b = *second[s];
            one.a = from[s][0] ? want[from[s][0] - 1].x : a.x;
            if (second[s]) one.b = *second[s];
            if (from[s][1]) one.b = want[from[s][1] - 1].x;
            one.c = want[s].x;
            CHECK(dd_apply(&job) == DD_OK, "status");
            steps[s].flags = ~one.flags; /* the job says it anew */
            steps[s].c = (dd_array){0};
            if (kernels[s] == DD_log) CHECK(one.flags == FE_DIVBYZERO, "flags %d", one.flags);
        }
        for (int kept = 0; kept < STEPS; kept++) {
            for (int s = 0; s < STEPS; s++)
                steps[s].c = s == kept || s == STEPS - 1 ? got[s].x : (dd_array){0};
            dd_job job = job_of(&one, A, DD_sin, DD_F64, shape);
            job.steps = steps, job.count = STEPS;
            CHECK(dd_apply(&job) == DD_OK, "status");
            CHECK(steps[3].flags == FE_DIVBYZERO && !steps[1].flags, "flags of the wrong step");
            CHECK(!memcmp(got[kept].memory, want[kept].memory, bytes), "step %d differs", kept);
            CHECK(!memcmp(got[STEPS - 1].memory, want[STEPS - 1].memory, bytes), "the result");
        }
        free(a.memory);
        free(b.memory);
        free(k.memory);
        for (int s = 0; s < STEPS; s++) free(want[s].memory), free(got[s].memory);
        dd_table_free(A);
    }
}

static void divide(char **args, const ptrdiff_t *n, const ptrdiff_t *steps, void *data) {
    (void)data;
    for (ptrdiff_t e = 0; e < *n; e++)
        *(double *)(args[2] + e * steps[2]) =
            *(double *)(args[0] + e * steps[0]) / *(double *)(args[1] + e * steps[1]);
}
UNARY(minus, double, -)
UNARY(root, double, sqrt)

/* a / k, minus k, times a, plus a / k, its root, minus it, times -(a / k): values by the kernels,
 * and terms that stay from block to block, against one operation after another by loops; then
 * the terms of the last alone. */
static void check_exact(int32_t seeds, int32_t order, int even) {
    enum { STEPS = 7, BAD = 43210 };
    static const ptrdiff_t shape[ND] = {31, 40, 50}, flat[ND] = {2000, 50, 1},
                           one_element[ND] = {0, 0, 0};
    static const int kernels[STEPS] = {DD_div, DD_sub, DD_mul, DD_add, DD_sqrt, DD_neg, DD_mul};
    static const int from[STEPS][2] = {{0, 0}, {1, 0}, {2, 0}, {3, 1}, {4, 0}, {1, 0}, {5, 6}};
    int calls = 0;
    const dd_fn values[STEPS] = {{divide, NULL}, {subtract, NULL}, {multiply, &calls}, {add, NULL},
                                 {root, NULL},   {minus, NULL},    {multiply, &calls}};
    dd_table *A = test_table(1, &seeds, &order, 0, NULL, NULL);
    array a = random_array(A, DD_F64, shape, flat, 1);
    array k = random_array(A, DD_F64, shape, one_element, 0);
    array want[STEPS], got = random_array(A, DD_F64, shape, flat, 1);
    if (even) make_even(&a);
    *(double *)k.x.v = 0.25;
    ((double *)a.x.v)[BAD] = 1e200; /* times itself is infinite */
    dd_step steps[STEPS], one;
    for (int s = 0; s < STEPS; s++) {
        want[s] = random_array(A, DD_F64, shape, flat, 1);
        dd_job job = job_of(&one, A, kernels[s], DD_F64, shape);
        steps[s] = one;
        steps[s].value = one.value = values[s], steps[s].exact = 1;
        steps[s].from_a = from[s][0], steps[s].from_b = from[s][1];
        const dd_array *second[STEPS] = {&k.x, &k.x, &a.x, NULL, NULL, NULL, NULL};
        if (!from[s][0]) steps[s].a = a.x;
        if (second[s]) steps[s].b = *second[s];
        one.a = from[s][0] ? want[from[s][0] - 1].x : a.x;
        one.b = second[s] ? *second[s] : from[s][1] ? want[from[s][1] - 1].x : (dd_array){0};
        one.c = want[s].x;
        CHECK(dd_apply(&job) == DD_OK, "status");
        CHECK(one.flags == (s == 2 ? FE_OVERFLOW : 0), "step %d: flags %d", s, one.flags);
    }
    ptrdiff_t bytes = 31 * 40 * 50 * sizeof(double);
    for (int only = 0; only < 2; only++) {
        dd_job job = job_of(&one, A, DD_mul, DD_F64, shape);
        job.steps = steps, job.count = STEPS;
        steps[STEPS - 1].c = got.x;
        if (only) steps[STEPS - 1].c.v = NULL;
        calls = 0;
        memset(got.memory, 0, A->M * bytes);
        CHECK(dd_apply(&job) == DD_OK, "status");
        for (int s = 0; s < STEPS; s++)
            CHECK(steps[s].flags == (s == 2 ? FE_OVERFLOW : 0), "flags of step %d", s);
        CHECK(calls == 2, "%d calls: loops run in the block of the exception only", calls);
        CHECK(!memcmp(got.x.t, want[STEPS - 1].x.t, (A->M - 1) * bytes), "terms differ");
        if (!only) CHECK(!memcmp(got.x.v, want[STEPS - 1].x.v, bytes), "values differ");
        else CHECK(*(double *)got.memory == 0, "values were written");
    }
    free(a.memory);
    free(k.memory);
    free(got.memory);
    for (int s = 0; s < STEPS; s++) free(want[s].memory);
    dd_table_free(A);
}

/* However many threads share a job, the result is the same to the bit. */
static void check_threads(void) {
    static const ptrdiff_t shape[ND] = {40, 50, 60}, flat[ND] = {3000, 60, 1},
                           turned[ND] = {1, 40, 2000};
    int32_t seeds = 2, order = 2;
    dd_table *A = test_table(1, &seeds, &order, 0, NULL, NULL);
    array a = random_array(A, DD_F64, shape, turned, 1),
          b = random_array(A, DD_F64, shape, flat, 1);
    array one = random_array(A, DD_F64, shape, flat, 1),
          many = random_array(A, DD_F64, shape, flat, 1);
    ptrdiff_t bytes = A->M * 40 * 50 * 60 * sizeof(double);
    for (int threads = 1; threads <= 5; threads++) {
        CHECK(dd_set_threads(threads) == threads, "threads");
        for (int round = 0; round < 3; round++) {
            dd_step step;
            dd_job job = job_of(&step, A, DD_sin, DD_F64, shape);
            step.a = a.x, step.c = threads == 1 ? one.x : many.x;
            step.value = (dd_fn){sine, NULL}, step.aux = (dd_fn){cosine, NULL};
            memset(step.c.v, 0, bytes);
            CHECK(dd_apply(&job) == DD_OK, "status");
            CHECK(threads == 1 || !memcmp(many.memory, one.memory, bytes), "%d threads", threads);
        }
    }
    dd_step step;
    dd_job job = job_of(&step, A, DD_log, DD_F64, shape);
    ((double *)b.x.v)[70000] = 0;
    step.a = b.x, step.c = many.x;
    step.value = (dd_fn){logarithm, NULL};
    CHECK(dd_apply(&job) == DD_OK && step.flags == FE_DIVBYZERO, "flags %d", step.flags);
    test_fail_at = test_allocations + 2; /* in any of the threads */
    job = job_of(&step, A, DD_sin, DD_F64, shape);
    step.a = a.x, step.c = many.x;
    step.value = (dd_fn){sine, NULL}, step.aux = (dd_fn){cosine, NULL};
    CHECK(dd_apply(&job) == DD_NOMEM, "an allocation failed");
    test_fail_at = 0;
    CHECK(dd_set_threads(0) == 1, "at least one");
    free(a.memory);
    free(b.memory);
    free(one.memory);
    free(many.memory);
    dd_table_free(A);
}

/* Values that are there already stay; nothing is done for no elements; flags are told. */
static void check_the_rest(void) {
    static const ptrdiff_t shape[ND] = {2, 3, 5}, empty[ND] = {2, 0, 5}, flat[ND] = {15, 5, 1};
    int32_t seeds = 1, order = 2;
    dd_table *A = test_table(1, &seeds, &order, 0, NULL, NULL);
    array a = random_array(A, DD_F64, shape, flat, 1), c = random_array(A, DD_F64, shape, flat, 1);
    double before = *(double *)c.x.v, term = *(double *)c.x.t;
    dd_step step;
    dd_job job = job_of(&step, A, DD_neg, DD_F64, empty);
    step.a = a.x, step.c = c.x;
    CHECK(dd_apply(&job) == DD_OK && *(double *)c.x.t == term, "no elements");
    job = job_of(&step, A, DD_neg, DD_F64, shape);
    step.a = a.x, step.c = c.x;
    CHECK(dd_apply(&job) == DD_OK, "status");
    CHECK(*(double *)c.x.v == before, "a value that was given is computed again");
    CHECK(*(double *)c.x.t == -*(double *)a.x.t, "term");
    CHECK(step.flags == 0, "flags %d", step.flags);
    job = job_of(&step, A, DD_log, DD_F64, shape);
    ((double *)a.x.v)[7] = 0;
    step.a = a.x, step.c = c.x;
    step.value = (dd_fn){logarithm, NULL};
    CHECK(dd_apply(&job) == DD_OK && step.flags == FE_DIVBYZERO, "flags %d", step.flags);
    CHECK(!fetestexcept(FE_ALL_EXCEPT & ~FE_INEXACT), "flags are left behind");
    free(a.memory);
    free(c.memory);
    dd_table_free(A);
}

/* One row of terms has no neighbour, so that its distance to the next says nothing. */
static void check_one_row(void) {
    static const ptrdiff_t shape[ND] = {2, 3, 5}, flat[ND] = {15, 5, 1};
    int32_t seeds = 1, order = 1;
    int calls = 0;
    dd_table *A = test_table(1, &seeds, &order, 0, NULL, NULL);
    array a = random_array(A, DD_F64, shape, flat, 1), c = random_array(A, DD_F64, shape, flat, 1);
    dd_step step;
    dd_job job = job_of(&step, A, DD_mul, DD_F64, shape);
    step.a = a.x, step.b = a.x, step.c = c.x, step.a.ts = step.b.ts = 0;
    step.value = (dd_fn){multiply, &calls};
    CHECK(dd_apply(&job) == DD_OK, "status");
    const double *v = (const double *)a.x.v, *t = (const double *)a.x.t;
    ptrdiff_t bad = 0;
    for (ptrdiff_t e = 0; e < job.size; e++)
        bad += ((double *)c.x.v)[e] != v[e] * v[e] ||
               ((double *)c.x.t)[e] != v[e] * t[e] + t[e] * v[e];
    CHECK(!bad, "%ld elements differ", (long)bad);
    free(c.memory);
    dd_table_free(A);
    seeds = 2; /* of which each operand has one */
    static const int32_t first[] = {0, 1, 0}, second[] = {0, 0, 1};
    A = test_table(1, &seeds, &order, 0, NULL, NULL);
    c = random_array(A, DD_F64, shape, flat, 1);
    step.A = A, step.c = c.x, step.a.map = first, step.b.map = second;
    CHECK(dd_apply(&job) == DD_OK, "status");
    for (ptrdiff_t e = 0; e < job.size; e++)
        for (int k = 0; k < 2; k++) bad += ((double *)c.x.t)[k * 30 + e] != v[e] * t[e];
    CHECK(!bad, "%ld elements differ with maps", (long)bad);
    free(a.memory);
    free(c.memory);
    dd_table_free(A);
}

/* Work rows that do not fit the local buffer are allocated, and that may fail. */
static void check_memory(void) {
    static const ptrdiff_t shape[ND] = {4, 20, 30}, flat[ND] = {600, 30, 1};
    int32_t seeds = 6, order = 3;
    dd_table *A = test_table(1, &seeds, &order, 0, NULL, NULL);
    array a = random_array(A, DD_F64, shape, flat, 1), c = random_array(A, DD_F64, shape, flat, 1);
    dd_step step;
    dd_job job = job_of(&step, A, DD_sin, DD_F64, shape);
    step.a = a.x, step.c = c.x;
    step.value = (dd_fn){sine, NULL}, step.aux = (dd_fn){cosine, NULL};
    test_allocations = 0, test_fail_at = 1;
    CHECK(dd_apply(&job) == DD_NOMEM, "an allocation failed");
    test_fail_at = 0;
    CHECK(dd_apply(&job) == DD_OK, "status");
    free(a.memory);
    free(c.memory);
    dd_table_free(A);
}

void test_apply(void) {
    check_layouts();
    check_rolled();
    check_types();
    check_the_rest();
    check_one_row();
    check_memory();
    check_maps(1);
    check_maps(2);
    check_chains();
    for (int even = 0; even < 2; even++) {
        check_exact(1, 1, even);
        check_exact(3, 1, even);
        check_exact(2, 3, even);
    }
    check_threads();
}
