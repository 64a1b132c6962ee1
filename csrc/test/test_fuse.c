/* Jobs that machine code does: the bits and the exceptions are those of kernels, for random
 * programs of all of them. */
#include <fenv.h>
#include <math.h>

#include "fuse.h"
#include "test.h"

enum { N = 1021, INPUTS = 3, TERMS = 7, MOST_STEPS = 60, KEPT = 4, PROGRAMS = 1500 };

typedef struct {
    int type, kernel;
} function;

static double get(int type, const char *x) {
    return type == DD_F32 ? *(const float *)x : *(const double *)x;
}

/* What `exact` kernels compute, and of others something that is as good as any. */
static void values(char **args, const ptrdiff_t *n, const ptrdiff_t *steps, void *data) {
    const function *f = data;
    int two = dd_kernels[f->kernel].nin == 2;
    if (f->kernel == DD_exp) feclearexcept(FE_ALL_EXCEPT); /* as some of NumPy's loops do */
    for (ptrdiff_t e = 0; e < *n; e++) {
        double x = get(f->type, args[0] + e * steps[0]);
        double y = two ? get(f->type, args[1] + e * steps[1]) : 0;
        char *out = args[1 + two] + e * steps[1 + two];
        double r = f->kernel == DD_add     ? x + y
                   : f->kernel == DD_sub   ? x - y
                   : f->kernel == DD_mul   ? x * y
                   : f->kernel == DD_div   ? x / y
                   : f->kernel == DD_neg   ? -x
                   : f->kernel == DD_power ? x * x
                   : f->kernel == DD_sqrt  ? sqrt(x)
                                           : sin(x) + 1.5;
        /* One rounding of a double's result is the float's, for these operations. */
        if (f->type == DD_F32) *(float *)out = (float)r;
        else *(double *)out = r;
    }
}

typedef double row[N]; /* of doubles, or of floats */
static row inputs[INPUTS][1 + TERMS], kept[2][KEPT][1 + TERMS];
static double constants[] = {2, -0.5, 1, 3, -1, 0.1};
static float float_constants[] = {2, -0.5f, 1, 3, -1, 0.1f};

static int pick(int n) { return (int)test_uniform(0, n - 1e-9); }

static void fill(int type, int special) {
    for (int i = 0; i < INPUTS; i++)
        for (int k = 0; k <= TERMS; k++)
            for (int e = 0; e < N; e++) {
                double x = test_uniform(k ? -2 : 0.1, 2);
                if (special && !pick(300)) x = k ? (pick(2) ? INFINITY : 0) : -x;
                if (special && !k && !pick(1000)) x = type == DD_F32 ? 1e30 : 1e250;
                if (type == DD_F32) ((float *)inputs[i][k])[e] = (float)x;
                else inputs[i][k][e] = x;
            }
}

static dd_array array(row *rows, ptrdiff_t size, int terms) {
    dd_array a = {.v = (char *)rows[0], .flat = 1, .vs = {size}, .es = {size}};
    if (terms) a.t = (char *)rows[1], a.ts = sizeof(row), a.rows = terms;
    return a;
}

/* An operand: an earlier result (returned: 1 + its step), an array, with terms or not, or one
 * element all along. */
static int operand(dd_array *x, int type, const dd_table *A, int s) {
    ptrdiff_t size = type == DD_F32 ? sizeof(float) : sizeof(double);
    *x = (dd_array){0};
    if (s && pick(4)) return pick(5) ? s - pick(s < 6 ? s : 6) : 1 + pick(s);
    int i = pick(INPUTS), form = pick(5);
    *x = array(inputs[i], size, form == 1 ? 0 : (int)A->M - 1);
    if (form == 2) x->flat = 0, x->even = 1, x->es[0] = 0;
    if (form == 3) x->flat = 0, x->single = 1, x->vs[0] = x->es[0] = 0;
    if (form == 4) {
        int c = pick(6);
        *x = (dd_array){.v = type == DD_F32 ? (char *)(float_constants + c)
                                            : (char *)(constants + c),
                        .single = 1};
    }
    return 0;
}

static const int exact[] = {DD_add, DD_sub, DD_mul, DD_div, DD_neg, DD_power, DD_sqrt};

static int is_exact(int kernel) {
    for (int i = 0; i < 7; i++)
        if (exact[i] == kernel) return 1;
    return 0;
}

static dd_step step_of(int type, const dd_table *A, int kernel, double p) {
    static function functions[2][DD_NKERNELS];
    dd_step q = {.A = A, .kernel = kernel, .p = p};
    q.exact = is_exact(kernel) && !(kernel == DD_power && p != 2);
    function *f = functions[type == DD_F32];
    f[kernel] = (function){type, kernel}, f[DD_exp] = (function){type, DD_exp};
    q.value = (dd_fn){values, f + (q.exact ? kernel : DD_exp)};
    q.aux = (dd_fn){values, f + DD_exp};
    return q;
}

static int share, maps_share; /* one step in so many is no sum, product, ...; has maps */

static dd_step random_step(int type, const dd_table *A, int s) {
    static const int functions[] = {DD_exp,  DD_log,  DD_expm1, DD_log1p, DD_sin,  DD_cos, DD_tan,
                                    DD_sinh, DD_cosh, DD_tanh,  DD_power, DD_sqrt, DD_abs};
    static const double powers[] = {-1, 0.5, 1, 2, 3, 4, 5};
    dd_step q =
        step_of(type, A, pick(share) ? exact[pick(7)] : functions[pick(13)], powers[pick(7)]);
    int two = dd_kernels[q.kernel].nin == 2;
    if (two) q.from_b = operand(&q.b, type, A, s);
    do q.from_a = operand(&q.a, type, A, s);
    while (!q.from_a && !q.a.t); /* one operand at least has terms, or is a result */
    if (two && pick(2)) {
        dd_array x = q.a;
        int from = q.from_a;
        q.a = q.b, q.from_a = q.from_b, q.b = x, q.from_b = from;
    }
    if (two && !pick(maps_share)) { /* any row of an operand for each row of the result, or none */
        static int32_t maps[MOST_STEPS][2][1 + TERMS];
        for (int i = 0; i < 2; i++)
            for (int k = 1; k < A->M; k++) {
                const dd_array *x = i ? &q.b : &q.a;
                int some = (i ? q.from_b : q.from_a) || x->t;
                maps[s][i][k] = some ? pick((int)A->M) : 0;
            }
        q.a.map = maps[s][0], q.b.map = maps[s][1];
    }
    return q;
}

static int differ(const char *x, const char *y, int type) {
    int bad = 0;
    for (int e = 0; e < N; e++) {
        double a = type == DD_F32 ? ((const float *)x)[e] : ((const double *)x)[e];
        double b = type == DD_F32 ? ((const float *)y)[e] : ((const double *)y)[e];
        bad += a != b ? !(isnan(a) && isnan(b)) : signbit(a) != signbit(b) && !isnan(a);
    }
    return bad;
}

static int fused_jobs;

/* Runs a program with and without machine code; so many results are kept, at most. */
static void compare(int type, const dd_table *A, dd_step *steps, int count, int n, int most) {
    ptrdiff_t size = type == DD_F32 ? sizeof(float) : sizeof(double);
    int flags[MOST_STEPS], places[KEPT] = {count - 1}, some = 1, valueless = !pick(3) && A->M > 1;
    for (int i = 1; i < most; i++) {
        int place = pick(count), known = 0;
        for (int k = 0; k < some; k++) known |= places[k] == place;
        if (!known) places[some++] = place;
    }
    for (int mode = 0; mode < 2; mode++) {
        memset(kept[mode], 0, sizeof kept[mode]);
        for (int s = 0; s < count; s++) steps[s].c = (dd_array){0};
        for (int i = 0; i < some; i++)
            steps[places[i]].c = array(kept[mode][i], size, (int)A->M - 1);
        if (valueless) steps[count - 1].c.v = NULL;
        dd_job job = {
            .type = type, .nd = 1, .shape = {n}, .size = n, .steps = steps, .count = count};
        dd_set_machine_code(mode ? DD_ALWAYS : DD_NEVER);
        CHECK(dd_apply(&job) == DD_OK, "status");
        for (int s = 0; s < count; s++) {
            if (!mode) flags[s] = steps[s].flags;
            CHECK(steps[s].flags == flags[s], "exceptions of step %d, %s: %d, %d", s,
                  dd_kernels[steps[s].kernel].name, steps[s].flags, flags[s]);
        }
        if (!mode) continue;
        dd_place(&job);
        fused_jobs += job.fused != NULL;
        dd_unplace(&job);
    }
    for (int i = 0; i < some; i++)
        for (int k = 0; k < A->M; k++)
            CHECK(!differ((char *)kept[0][i][k], (char *)kept[1][i][k], type),
                  "row %d of step %d of %d, %s", k, places[i], count,
                  dd_kernels[steps[places[i]].kernel].name);
}

static void check_random(int type, int seeds, int special, int longest) {
    int32_t n = seeds, order = 1;
    dd_table *A = test_table(1, &n, &order, 0, NULL, NULL);
    dd_step steps[MOST_STEPS];
    fill(type, special);
    int count = 2 + pick(longest - 1);
    share = 2 + pick(6), maps_share = 1 + pick(4);
    for (int s = 0; s < count; s++) steps[s] = random_step(type, A, s);
    compare(type, A, steps, count, pick(4) ? N : 1 + pick(N), 1 + pick(KEPT));
    dd_table_free(A);
}

/* x of one seed and y of another, over both. */
static void check_maps(int type) {
    static const int32_t first[] = {0, 1, 0}, second[] = {0, 0, 1}, none[] = {0, 0, 0};
    int32_t one = 1, two = 2, order = 1;
    dd_table *A = test_table(1, &one, &order, 0, NULL, NULL);
    dd_table *B = test_table(1, &two, &order, 0, NULL, NULL);
    ptrdiff_t size = type == DD_F32 ? sizeof(float) : sizeof(double);
    for (int i = 0; i < 4; i++)
        for (int form = 0; form < 3; form++) {
            dd_step steps[3] = {step_of(type, A, DD_mul, 0), step_of(type, B, exact[i], 0),
                                step_of(type, B, DD_add, 0)};
            steps[0].a = array(inputs[0], size, 1), steps[0].b = array(inputs[1], size, 1);
            steps[1].from_a = 1, steps[1].a.map = form == 2 ? none : first;
            steps[1].b = array(inputs[2], size, 1), steps[1].b.map = form ? second : first;
            steps[2].from_a = 2, steps[2].b = steps[1].b;
            fill(type, form);
            compare(type, B, steps, 3, N, KEPT);
        }
    dd_table_free(A);
    dd_table_free(B);
}

/* Terms that two sums pass on, exchanged, to rows that the first of all had before. */
static void check_passed_on(int type) {
    static const int32_t same[] = {0, 1, 2}, swapped[] = {0, 2, 1}, none[] = {0, 0, 0};
    int32_t two = 2, order = 1;
    dd_table *A = test_table(1, &two, &order, 0, NULL, NULL);
    ptrdiff_t size = type == DD_F32 ? sizeof(float) : sizeof(double);
    dd_step steps[4] = {step_of(type, A, DD_abs, 0), step_of(type, A, DD_add, 0),
                        step_of(type, A, DD_add, 0), step_of(type, A, DD_abs, 0)};
    steps[0].a = array(inputs[0], size, 2);
    for (int s = 1; s < 4; s++) steps[s].from_a = s;
    for (int s = 1; s < 3; s++) steps[s].b = array(inputs[s], size, 0), steps[s].b.map = none;
    steps[1].a.map = swapped, steps[2].a.map = same;
    fill(type, 0);
    compare(type, A, steps, 4, N, 1);
    dd_table_free(A);
}

void test_fuse(void) {
    int before = dd_set_machine_code(DD_ALWAYS);
    for (int wide = 1; wide >= 0; wide--) {
        x86_may_be_wide = wide;
        fused_jobs = 0;
        for (int i = 0; i < PROGRAMS; i++)
            check_random(i % 3 ? DD_F64 : DD_F32, 1 + i % TERMS, i % 5 == 0,
                         i % 2 ? 20 : MOST_STEPS);
        CHECK(!x86_runs(0) || fused_jobs > PROGRAMS * 9 / 10, "only %d jobs were fused",
              fused_jobs);
        check_maps(DD_F64);
        check_maps(DD_F32);
        check_passed_on(DD_F64);
        check_passed_on(DD_F32);
    }
    x86_may_be_wide = 1;
    dd_set_machine_code(before);
}
