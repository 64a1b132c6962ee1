/* What steps of a job leave to others, or out: the bits and the exceptions are those of one step
 * after another in memory.  Values of kernels that loops compute are made up here. */
#include <fenv.h>
#include <math.h>

#include "test.h"

enum { N = 1500, ROWS = 3 /* at most, the values included */ };
typedef double number[ROWS][N];

static int loop_calls; /* of one_operand */

static void one_operand(char **args, const ptrdiff_t *n, const ptrdiff_t *steps, void *data) {
    loop_calls++;
    for (ptrdiff_t e = 0; e < *n; e++)
        *(double *)(args[1] + e * steps[1]) = atan(*(double *)(args[0] + e * steps[0]));
}

static void minus(char **args, const ptrdiff_t *n, const ptrdiff_t *steps, void *data) {
    for (ptrdiff_t e = 0; e < *n; e++)
        *(double *)(args[1] + e * steps[1]) = -*(double *)(args[0] + e * steps[0]);
}

static void two_operands(char **args, const ptrdiff_t *n, const ptrdiff_t *steps, void *data) {
    int kernel = *(int *)data;
    for (ptrdiff_t e = 0; e < *n; e++) {
        double x = *(double *)(args[0] + e * steps[0]), y = *(double *)(args[1] + e * steps[1]);
        *(double *)(args[2] + e * steps[2]) = kernel == DD_add   ? x + y
                                              : kernel == DD_sub ? x - y
                                              : kernel == DD_mul ? x * y
                                              : kernel == DD_div ? x / y
                                                                 : fmax(x, y);
    }
}

static int numbers_of_kernels[DD_NKERNELS];
static char mask[N];

static dd_array flat(number x, int terms, const dd_table *A) {
    dd_array a = {.v = (char *)x[0], .flat = 1, .vs = {sizeof(double)}, .es = {sizeof(double)}};
    if (terms) a.t = (char *)x[1], a.ts = sizeof x[0], a.rows = A->M - 1;
    return a;
}

static dd_array constant(double *c) { return (dd_array){.v = (char *)c, .single = 1}; }

static dd_step step_of(const dd_table *A, int kernel) {
    dd_step q = {.A = A, .kernel = kernel, .p = 2};
    int k = dd_kernels[kernel].nin;
    numbers_of_kernels[kernel] = kernel;
    q.value =
        k == 1 ? (dd_fn){one_operand, NULL} : (dd_fn){two_operands, &numbers_of_kernels[kernel]};
    q.aux = (dd_fn){one_operand, NULL};
    q.exact = (k == 2 || kernel == DD_neg) && dd_valued[kernel][DD_F64];
    if (kernel == DD_neg) q.value.run = minus;
    if (kernel == DD_choose) q.mask = mask, q.value.run = NULL;
    return q;
}

static void apply(dd_step *steps, int count) {
    dd_job job = {.type = DD_F64, .nd = 1, .shape = {N}, .size = N, .steps = steps, .count = count};
    CHECK(dd_apply(&job) == DD_OK, "status");
}

/* Numbers of both signs, some of them with terms that are zero, or infinite. */
static void fill(number x, int special) {
    for (int k = 0; k < ROWS; k++)
        for (int e = 0; e < N; e++) {
            x[k][e] = test_uniform(-2, 2);
            if (k && e % 7 == 0) x[k][e] = 0;
            if (special && e % 501 == 17 + k) x[k][e] = k ? INFINITY : 0;
        }
}

static int differ(const double *x, const double *y) {
    int bad = 0;
    for (int e = 0; e < N; e++)
        bad += x[e] != y[e] ? !(isnan(x[e]) && isnan(y[e]))
                            : signbit(x[e]) != signbit(y[e]) && !isnan(x[e]);
    return bad;
}

static number x, y, u, v, w, got;

/* c x (or c + x, c - x) as an operand of each kernel, and what is left out of the first. */
static void check_readers(const dd_table *A, int first, double c, int place, int special) {
    fill(x, special);
    fill(y, special);
    for (int kernel = 0; kernel < DD_NKERNELS; kernel++) {
        for (int form = 0; form < 3 * dd_kernels[kernel].nin; form++) {
            int second = form % dd_kernels[kernel].nin, other = form / dd_kernels[kernel].nin;
            /* other: the other operand is y, y without terms, or the first step's result, too */
            if (kernel == DD_chain && second == 1 && other == 1) continue; /* a has terms */
            dd_step one = step_of(A, first), two = step_of(A, kernel), steps[3];
            *(place ? &one.b : &one.a) = flat(x, 1, A);
            *(place ? &one.a : &one.b) = constant(&c);
            int both = dd_kernels[kernel].nin == 2;
            steps[0] = one, steps[1] = two;
            *(second ? &steps[1].from_b : &steps[1].from_a) = 1;
            if (both && other < 2) *(second ? &steps[1].a : &steps[1].b) = flat(y, !other, A);
            if (both && other == 2) *(second ? &steps[1].from_a : &steps[1].from_b) = 1;
            steps[1].c = flat(got, 1, A);
            one.c = flat(u, 1, A), two.c = flat(w, 1, A);
            *(second ? &two.b : &two.a) = flat(u, 1, A);
            if (both) *(second ? &two.a : &two.b) = other < 2 ? flat(y, !other, A) : flat(u, 1, A);
            apply(&one, 1);
            apply(&two, 1);
            apply(steps, 2);
            for (int k = 0; k < A->M; k++)
                CHECK(!differ(got[k], w[k]), "row %d of %s of %s, c = %g, form %d", k,
                      dd_kernels[kernel].name, dd_kernels[first].name, c, form);
            CHECK(steps[0].flags == one.flags && steps[1].flags == two.flags,
                  "exceptions of %s of %s, c = %g: %d, %d", dd_kernels[kernel].name,
                  dd_kernels[first].name, c, steps[0].flags, steps[1].flags);
            /* the same, once more multiplied: the constant that is left is not the first */
            steps[2] = step_of(A, DD_mul);
            steps[2].from_a = 2, steps[2].from_b = 1, steps[2].c = flat(v, 1, A);
            steps[1].c = (dd_array){0};
            apply(steps, 3);
            dd_step last = step_of(A, DD_mul);
            last.a = flat(w, 1, A), last.b = flat(u, 1, A), last.c = flat(got, 1, A);
            apply(&last, 1);
            for (int k = 0; k < A->M; k++)
                CHECK(!differ(got[k], v[k]), "row %d of a product with %s", k,
                      dd_kernels[kernel].name);
        }
    }
}

/* The same of chains: (c x) d or c x + d as an operand of each kernel. */
static void check_chains(const dd_table *A, int middle, double c, double d) {
    fill(x, 0);
    for (int kernel = 0; kernel < DD_NKERNELS; kernel++) {
        dd_step one = step_of(A, DD_mul), two = step_of(A, middle), three = step_of(A, kernel);
        one.a = flat(x, 1, A), one.b = constant(&c), two.b = constant(&d);
        dd_step steps[3] = {one, two, three};
        steps[1].from_a = 1, steps[2].from_a = 2;
        one.c = flat(u, 1, A), two.a = flat(u, 1, A), two.c = flat(v, 1, A);
        three.a = flat(v, 1, A), three.c = flat(w, 1, A);
        steps[2].c = flat(got, 1, A);
        if (dd_kernels[kernel].nin == 2) steps[2].from_b = 1, three.b = flat(u, 1, A);
        apply(&one, 1);
        apply(&two, 1);
        apply(&three, 1);
        apply(steps, 3);
        for (int k = 0; k < A->M; k++)
            CHECK(!differ(got[k], w[k]), "row %d of %s of %s", k, dd_kernels[kernel].name,
                  dd_kernels[middle].name);
    }
}

/* c x, of one seed, and y, of another, as operands over both. */
static void check_maps(void) {
    static const int32_t first[] = {0, 1, 0}, second[] = {0, 0, 1};
    static const int kernels[] = {DD_add, DD_sub, DD_mul, DD_div};
    int32_t one_seed = 1, two_seeds = 2, order = 1;
    dd_table *A = test_table(1, &one_seed, &order, 0, NULL, NULL);
    dd_table *B = test_table(1, &two_seeds, &order, 0, NULL, NULL);
    double c = 2.5;
    fill(x, 0);
    fill(y, 0);
    for (int i = 0; i < 4; i++) {
        dd_step one = step_of(A, DD_mul), two = step_of(B, kernels[i]);
        one.a = flat(x, 1, A), one.b = constant(&c);
        two.b = flat(y, 1, A);
        two.a.map = first, two.b.map = second;
        dd_step steps[2] = {one, two};
        steps[1].from_a = 1, steps[1].c = flat(got, 1, B);
        one.c = flat(u, 1, A), two.a = flat(u, 1, A), two.a.map = first, two.c = flat(w, 1, B);
        apply(&one, 1);
        apply(&two, 1);
        apply(steps, 2);
        for (int k = 0; k < B->M; k++)
            CHECK(!differ(got[k], w[k]), "row %d of %s", k, dd_kernels[kernels[i]].name);
    }
    dd_table_free(A);
    dd_table_free(B);
}

/* Terms alone of tanh(x) tanh(y): nobody reads the product's values, but its terms the factors'. */
static void check_read_by_terms(const dd_table *A) {
    dd_step steps[3] = {step_of(A, DD_tanh), step_of(A, DD_tanh), step_of(A, DD_mul)};
    fill(y, 0);
    steps[0].a = flat(x, 1, A), steps[1].a = flat(y, 1, A);
    steps[2].from_a = 1, steps[2].from_b = 2, steps[2].c = flat(w, 1, A);
    apply(steps, 3);
    steps[2].c = flat(got, 1, A), steps[2].c.v = NULL;
    apply(steps, 3);
    for (int k = 1; k < A->M; k++) CHECK(!differ(got[k], w[k]), "row %d of a product", k);
}

/* Terms alone of -(-x), where rows of x are one element all along: there from the first block on.
 */
static void check_even(const dd_table *A) {
    dd_step steps[2] = {step_of(A, DD_neg), step_of(A, DD_neg)};
    steps[0].a = flat(x, 1, A), steps[0].a.flat = 0, steps[0].a.even = 1, steps[0].a.es[0] = 0;
    steps[1].from_a = 1, steps[1].c = flat(got, 1, A), steps[1].c.v = NULL;
    apply(steps, 2);
    for (int k = 1; k < A->M; k++)
        for (int e = 0; e < N; e++) w[k][e] = x[k][0];
    for (int k = 1; k < A->M; k++) CHECK(!differ(got[k], w[k]), "row %d of even terms", k);
}

/* Terms alone of (tanh x) c + d, times x if `product`: loop_calls of its two loops for values. */
static int calls_for_terms(const dd_table *A, double c, double d, int product, int *flags) {
    dd_step steps[4] = {step_of(A, DD_tanh), step_of(A, DD_mul), step_of(A, DD_add),
                        step_of(A, DD_mul)};
    dd_step whole[4];
    int count = 3 + product;
    steps[0].a = flat(x, 1, A);
    steps[1].from_a = 1, steps[1].b = constant(&c);
    steps[2].from_a = 2, steps[2].b = constant(&d);
    steps[3].from_a = 3, steps[3].b = flat(x, 1, A);
    memcpy(whole, steps, sizeof steps);
    whole[count - 1].c = flat(w, 1, A);
    apply(whole, count);
    steps[count - 1].c = flat(got, 1, A), steps[count - 1].c.v = NULL;
    int before = loop_calls;
    memset(got, 0, sizeof got);
    apply(steps, count);
    for (int k = 1; k < A->M; k++) CHECK(!differ(got[k], w[k]), "row %d of terms alone", k);
    CHECK(got[0][0] == 0, "values were written");
    *flags = 0;
    for (int s = 0; s < count; s++) {
        CHECK(steps[s].flags == whole[s].flags, "flags of step %d", s);
        *flags |= steps[s].flags;
    }
    return loop_calls - before;
}

static void check_unread(const dd_table *A) {
    int flags, slopes = calls_for_terms(A, 3, 1, 0, &flags), calls;
    CHECK(!flags && slopes > 0, "exp(-2 |x|) alone");
    calls = calls_for_terms(A, 3, 1, 1, &flags);
    CHECK(!flags && calls > slopes, "values that a product reads are not computed");
    calls = calls_for_terms(A, 1e308, 1e308, 0, &flags);
    CHECK(flags == FE_OVERFLOW && calls > slopes, "an overflow is not found: %d", flags);
    calls = calls_for_terms(A, INFINITY, -INFINITY, 0, &flags);
    CHECK(flags == FE_INVALID && calls > slopes, "an invalid value is not found: %d", flags);
}

static void check_all(void) {
    static const double constants[] = {2.5, -1, 1e300, -1e-300, 0, -0.0, INFINITY, NAN};
    for (int e = 0; e < N; e++) mask[e] = e % 3 == 0;
    check_maps();
    for (int32_t seeds = 1; seeds < ROWS; seeds++) {
        int32_t order = 1;
        dd_table *A = test_table(1, &seeds, &order, 0, NULL, NULL);
        for (int i = 0; i < (int)(sizeof constants / sizeof *constants); i++)
            for (int place = 0; place < 2; place++)
                for (int special = 0; special < 2 - place; special++) {
                    check_readers(A, DD_mul, constants[i], place, special);
                    check_readers(A, DD_add, constants[i], place, special);
                    check_readers(A, DD_sub, constants[i], place, special);
                }
        for (int i = 0; i < 3; i++) {
            check_chains(A, DD_mul, 2.5, constants[i]);
            check_chains(A, DD_add, 2.5, constants[i]);
        }
        fill(x, 0);
        check_unread(A);
        check_read_by_terms(A);
        check_even(A);
        dd_table_free(A);
    }
}

void test_plan(void) {
    int before = dd_set_machine_code(DD_NEVER);
    check_all();
    dd_set_machine_code(DD_ALWAYS);
    check_all();
    dd_set_machine_code(before);
}
