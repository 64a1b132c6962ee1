/* Sums: the bits of one pass over the whole, whatever the size and the number of threads. */
#include <math.h>

#include "test.h"

/* Sums by halves, as NumPy does it. */
static double by_halves(const double *a, ptrdiff_t n, ptrdiff_t step) {
    if (n <= 128) {
        double r[8] = {0}, rest = 0;
        ptrdiff_t i = 0;
        for (; i + 8 <= n; i += 8)
            for (int j = 0; j < 8; j++) r[j] += a[(i + j) * step];
        double total = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
        for (; i < n; i++) rest += a[i * step];
        return total + rest;
    }
    ptrdiff_t left = n / 2 - n / 2 % 8;
    return by_halves(a, left, step) + by_halves(a + left * step, n - left, step);
}

/* Adds to itself by halves, or element by element, as NumPy's loop for sums does. */
static void add_loop(char **args, const ptrdiff_t *n, const ptrdiff_t *steps, void *data) {
    (void)data;
    if (args[0] == args[2] && !steps[0]) {
        *(double *)args[0] += by_halves((const double *)args[1], *n, steps[1] / 8);
        return;
    }
    for (ptrdiff_t e = 0; e < *n; e++)
        *(double *)(args[2] + e * steps[2]) =
            *(double *)(args[0] + e * steps[0]) + *(double *)(args[1] + e * steps[1]);
}

static void sine(char **args, const ptrdiff_t *n, const ptrdiff_t *steps, void *data) {
    (void)data;
    for (ptrdiff_t e = 0; e < *n; e++)
        *(double *)(args[1] + e * steps[1]) = sin(*(double *)(args[0] + e * steps[0]));
}

static const dd_fn add = {add_loop, NULL};

static double *random_row(ptrdiff_t n) {
    double *a = malloc((n + 1) * sizeof *a);
    for (ptrdiff_t i = 0; i < n; i++) a[i] = ldexp(test_uniform(-1, 1), (int)test_uniform(0, 40));
    return a;
}

static void check_sums(void) {
    static const ptrdiff_t sizes[] = {0,     1,     7,     8,      129,    1000,   8191,   8192,
                                      16392, 65535, 65537, 100000, 262141, 524304, 1000003};
    for (int i = 0; i < 15; i++)
        for (int rows = 1; rows <= 3; rows += 2)
            for (int step = 1; step <= 2; step++) {
                ptrdiff_t n = sizes[i];
                double *a = random_row(n * rows * step), got[3];
                for (int threads = 1; threads <= 3; threads++) {
                    dd_set_threads(threads);
                    int status = dd_sum(DD_F64, &add, rows, n, a, n * step * 8, step * 8, got);
                    CHECK(status == DD_OK, "status %d", status);
                    for (int k = 0; k < rows; k++)
                        CHECK(got[k] == 0 + by_halves(a + k * n * step, n, step),
                              "n = %ld, row %d of %d, %d threads", (long)n, k, rows, threads);
                }
                free(a);
            }
    double *a = random_row(3000000), got[3];
    test_allocations = 0, test_fail_at = 1;
    CHECK(dd_sum(DD_F64, &add, 3, 1000000, a, 8000000, 8, got) == DD_NOMEM, "no memory");
    test_fail_at = 0;
    free(a);
}

/* Rows for runs of seeds against one element after another. */
static void check_scatter(void) {
    enum { N = 600000 };
    static const dd_runs cases[][3] = {
        {{NULL, 0, 1, N - 1, N - 1}, {NULL, 1, 1, N - 1, N - 1}, {NULL, 0, 1, N - 1, N - 1}},
        {{NULL, 3, 60, 1000, 900}, {NULL, 1003, 60, 1000, 900}, {NULL, 4, 60, 1000, 900}},
        {{NULL, N - 1, 1, 1, 1}, {NULL, 0, 23333, 3, 1}, {NULL, 40000, 10, 2049, 2049}},
    };
    double *want = malloc(N * sizeof *want), *got = malloc(N * sizeof *got);
    for (int c = 0; c < 3; c++)
        for (int fresh = 0; fresh < 2; fresh++)
            for (int threads = 1; threads <= 3; threads++) {
                dd_runs rows[3];
                memcpy(rows, cases[c], sizeof rows);
                for (int i = 0; i < N; i++) got[i] = i, want[i] = fresh ? 0 : i;
                for (int k = 0; k < 3; k++) {
                    double *t = random_row(rows[k].runs * rows[k].length);
                    rows[k].t = t;
                    for (ptrdiff_t i = 0; i < rows[k].runs; i++)
                        for (ptrdiff_t j = 0; j < rows[k].length; j++)
                            want[rows[k].start + i * rows[k].step + j] += t[i * rows[k].length + j];
                }
                dd_set_threads(threads);
                CHECK(dd_scatter(got, N, rows, 3, fresh) == DD_OK, "status");
                CHECK(!memcmp(got, want, N * sizeof *got), "case %d, %d threads", c, threads);
                for (int k = 0; k < 3; k++) free((void *)rows[k].t);
            }
    free(want);
    free(got);
}

/* Rows times factors, finite or not, from zeros or not. */
static void check_scaled(void) {
    static const ptrdiff_t sizes[] = {0, 1, 1000, 700001};
    static const double factors[] = {0, 1, -2.5, INFINITY, NAN};
    for (int i = 0; i < 4; i++)
        for (int f = 0; f < 5; f++)
            for (int k = 0; k < 8; k++) {
                ptrdiff_t n = sizes[i], step = k & 1;
                int fresh = k >> 1 & 1, bad = 0;
                double *row = random_row(n), *old = random_row(n), *t = random_row(n);
                for (ptrdiff_t e = 0; e < n; e += 3) row[e] = k & 4 ? 0 : row[e];
                memcpy(t, old, n * sizeof *t);
                dd_set_threads(1 + k % 3);
                dd_add_scaled(t, n, factors[f], row, (int)step, fresh);
                for (ptrdiff_t e = 0; e < n; e++) {
                    double x = row[e * step], want = fresh ? 0 : old[e];
                    if (x != 0) want += x * factors[f];
                    bad |= t[e] != want && (t[e] == t[e] || want == want);
                }
                CHECK(!bad, "n = %ld, factor %g, case %d", (long)n, factors[f], k);
                free(row), free(old), free(t);
            }
}

/* The sum of sin(sin(a)), by rows or for seeds, of which the numbers are kept or not. */
static void check_jobs(void) {
    static const ptrdiff_t sizes[] = {1, 100, 5000, 40000, 300001};
    static const ptrdiff_t starts[][3] = {{0, 1, 2},  {5, 0, 5},   {7, 7, 7},   {0, 40, 10},
                                          {3, -1, 2}, {-4, 0, -4}, {-9, -1, -9}};
    enum { CASES = sizeof starts / sizeof *starts };
    const dd_fn value = {sine, NULL};
    int32_t seeds = 3, order = 1;
    dd_table *A = test_table(1, &seeds, &order, 0, NULL, NULL);
    for (int i = 0; i < 5; i++)
        for (int c = 0; c < CASES; c++)
            for (int by_rows = 0; by_rows < 2; by_rows++) {
                ptrdiff_t n = sizes[i], N = n + 50;
                double *a = random_row(4 * n), *c1 = random_row(4 * n), *c2 = random_row(4 * n);
                double *kept = random_row(4 * n), *g = random_row(N), *want = random_row(N);
                double sums[4], got[4];
                dd_array in = {(char *)a, (char *)(a + n), n * 8, 3, .flat = 1};
                dd_array out = {(char *)c1, (char *)(c1 + n), n * 8, 3, .flat = 1};
                dd_step steps[2] = {{.A = A, .kernel = DD_sin, .a = in, .c = out},
                                    {.A = A, .kernel = DD_sin, .from_a = 1, .c = out}};
                steps[0].value = steps[1].value = steps[0].aux = steps[1].aux = value;
                steps[1].c.v = (char *)c2, steps[1].c.t = (char *)(c2 + n);
                dd_job job = {.type = DD_F64, .nd = 1, .size = n, .steps = steps, .count = 2};
                job.shape[0] = n;
                CHECK(dd_apply(&job) == DD_OK, "status");
                CHECK(dd_sum(DD_F64, &add, 4, n, c2, n * 8, 8, sums) == DD_OK, "status");
                dd_runs rows[3];
                int runs = 0;
                for (int k = 0; k < 3; k++)
                    if (starts[c][k] >= 0)
                        rows[runs++] = (dd_runs){c2 + (k + 1) * n, starts[c][k], 1, n, n};
                dd_scatter(want, N, rows, runs, 1);
                for (int k = 0; k < 3; k++)
                    if (starts[c][k] < 0) want[-1 - starts[c][k]] += sums[k + 1];
                dd_total total = {&add, (char *)got, g, N, by_rows ? NULL : starts[c], n, n};
                job.total = &total;
                steps[1].c = (dd_array){0};
                for (int threads = 1; threads <= 6; threads++) {
                    dd_set_threads(threads / 2 + 1);
                    if (threads % 2) steps[0].c = (dd_array){0};
                    else
                        steps[0].c = out, steps[0].c.v = (char *)kept,
                        steps[0].c.t = (char *)(kept + n);
                    int status = dd_apply_sum(&job);
                    if (n == 1 && !by_rows && (c < 2 || c == 3 || c == 4)) {
                        CHECK(status == DD_TOOBIG, "seeds too far apart");
                        continue;
                    }
                    CHECK(status == DD_OK, "status %d, n = %ld, case %d", status, (long)n, c);
                    CHECK(!memcmp(got, sums, (by_rows ? 4 : 1) * 8), "n = %ld: sums", (long)n);
                    CHECK(by_rows || !memcmp(g, want, N * 8), "n = %ld: seeds, case %d", (long)n,
                          c);
                    CHECK(threads % 2 || !memcmp(kept, c1, 4 * n * 8), "n = %ld: kept", (long)n);
                }
                free(a), free(c1), free(c2), free(kept), free(g), free(want);
            }
    dd_table_free(A);
}

void test_sum(void) {
    check_sums();
    check_scatter();
    check_scaled();
    check_jobs();
    dd_set_threads(1);
}
