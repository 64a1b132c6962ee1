/* Product tables against enumeration. */
#include "test.h"

/* Exponents of every monomial of one factor, by listing all of them: out[m][n]. */
static int32_t *exponents(int32_t n, int32_t order) {
    int64_t m = dd_count(n, order);
    int32_t *out = calloc(m * n, sizeof *out), *seen = calloc(m, sizeof *seen);
    int32_t *e = calloc(n, sizeof *e), s[64];
    for (;;) { /* odometer over all exponents of total degree at most `order` */
        int32_t d = 0;
        for (int32_t q = 0; q < n; q++)
            for (int32_t r = 0; r < e[q]; r++) s[d++] = q;
        int64_t k = dd_rank(n, d, s);
        CHECK(k >= 0 && k < m && !seen[k], "rank %ld of %ld", (long)k, (long)m);
        CHECK((d ? dd_count(n, d - 1) : 0) <= k && k < dd_count(n, d), "degree %d", d);
        seen[k] = 1;
        memcpy(out + k * n, e, n * sizeof *e);
        int32_t q = 0;
        for (; q < n; q++) {
            if (d < order) {
                e[q]++;
                break;
            }
            d -= e[q], e[q] = 0;
        }
        if (q == n) break;
    }
    for (int64_t k = 0; k < m; k++) CHECK(seen[k], "monomial %ld has no exponents", (long)k);
    free(seen);
    free(e);
    return out;
}

/* Exponents of all seeds of all factors for every monomial of a table: out[M][width]. */
static int32_t *all_exponents(const dd_table *t, int32_t *width) {
    int32_t total = 0, at = 0;
    for (int32_t q = 0; q < t->nf; q++) total += t->n[q];
    int32_t *out = calloc(t->M * total + 1, sizeof *out);
    for (int32_t q = 0; q < t->nf; at += t->n[q++]) {
        int32_t *one = exponents(t->n[q], t->order[q]);
        for (int64_t k = 0; k < t->M; k++)
            memcpy(out + k * total + at, one + t->part[k * t->nf + q] * t->n[q],
                   t->n[q] * sizeof *out);
        free(one);
    }
    *width = total;
    return out;
}

/* Each pair multiplies to its monomial, none stands twice, and as many are listed as the
 * monomial has proper divisors: so the table is right and complete. */
static void check_products(const dd_table *t) {
    if (t->nf == 1 && t->order[0] == 1) {
        CHECK(!t->deg && !t->part && !t->start && !t->pi && !t->pj, "order 1 lists something");
        CHECK(t->head[0] == 0 && t->head[1] == 1 && t->head[2] == t->M, "heads");
        CHECK(t->M == t->n[0] + 1 && t->D == 1, "M = %ld", (long)t->M);
        return;
    }
    int32_t width, *x = all_exponents(t, &width);
    int64_t *last = calloc(t->M, sizeof *last);
    CHECK(t->head[0] == 0 && t->head[t->D + 1] == t->M && t->deg[0] == 0, "heads");
    for (int64_t k = 0; k < t->M; k++) {
        const int32_t *ek = x + k * width;
        int64_t divisors = 1;
        int32_t d = 0;
        for (int32_t r = 0; r < width; r++) divisors *= ek[r] + 1, d += ek[r];
        CHECK(t->deg[k] == d, "degree %d, not %d", t->deg[k], d);
        CHECK(t->head[d] <= k && k < t->head[d + 1], "monomial %ld outside its degree", (long)k);
        CHECK(t->start[k + 1] - t->start[k] == (k ? divisors - 2 : 0), "%ld pairs, not %ld",
              (long)(t->start[k + 1] - t->start[k]), (long)divisors - 2);
        for (int64_t q = t->start[k]; q < t->start[k + 1]; q++) {
            const int32_t *ei = x + (int64_t)t->pi[q] * width, *ej = x + (int64_t)t->pj[q] * width;
            int same = t->deg[t->pi[q]] >= 1 && t->deg[t->pj[q]] >= 1;
            for (int32_t r = 0; r < width; r++) same &= ei[r] + ej[r] == ek[r];
            CHECK(same, "pair %ld of monomial %ld", (long)q, (long)k);
            CHECK(last[t->pi[q]] != k, "pair %ld stands twice", (long)q);
            last[t->pi[q]] = k;
        }
    }
    free(x);
    free(last);
}

static void product(const dd_table *t, const int64_t *a, const int64_t *b, int64_t *c) {
    for (int64_t k = 0; k < t->M; k++) {
        c[k] = k ? a[0] * b[k] + a[k] * b[0] : a[0] * b[0];
        for (int64_t q = t->start ? t->start[k] : 0; t->start && q < t->start[k + 1]; q++)
            c[k] += a[t->pi[q]] * b[t->pj[q]];
    }
}

static void check_associative(const dd_table *t) {
    int64_t M = t->M, *x = malloc(7 * M * sizeof *x);
    int64_t *a = x, *b = x + M, *c = x + 2 * M, *ab = x + 3 * M, *bc = x + 4 * M, *l = x + 5 * M,
            *r = x + 6 * M;
    for (int64_t k = 0; k < 3 * M; k++) x[k] = (int64_t)test_uniform(-99, 100);
    product(t, a, b, ab);
    product(t, b, c, bc);
    product(t, ab, c, l);
    product(t, a, bc, r);
    CHECK(!memcmp(l, r, M * sizeof *l), "(a b) c = a (b c)");
    product(t, b, a, bc);
    CHECK(!memcmp(ab, bc, M * sizeof *ab), "a b = b a");
    free(x);
}

static void check_counts(void) {
    int64_t pascal[40][40];
    for (int n = 0; n < 40; n++)
        for (int k = 0; k < 40; k++)
            pascal[n][k] = k == 0 ? 1 : n == 0 ? 0 : pascal[n - 1][k - 1] + pascal[n - 1][k];
    for (int n = 1; n < 20; n++)
        for (int d = 0; d < 15; d++)
            CHECK(dd_count(n, d) == pascal[n + d][d], "count(%d, %d) = %ld", n, d,
                  (long)dd_count(n, d));
    CHECK(dd_count(1 << 20, 1) == (1 << 20) + 1, "many seeds");
    CHECK(dd_count(1 << 20, 2) == -1 && dd_count(100000, 60) == -1, "too many monomials");
}

/* Sizes of tables that are known by heart. */
static void check_sizes(void) {
    static const struct {
        int32_t n, order;
        int64_t M, pairs;
    } known[] = {
        {1, 1, 2, 0},     {1, 30, 31, 435},   {1, 63, 64, 1953}, {10, 2, 66, 100},
        {300, 1, 301, 0}, {5000, 1, 5001, 0}, {2, 3, 10, 16},    {200, 2, 20301, 40000},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        dd_table *t = test_table(1, &known[i].n, &known[i].order, 0, NULL, NULL);
        CHECK(t->M == known[i].M, "M = %ld", (long)t->M);
        int64_t pairs = t->start ? t->start[t->M] : 0;
        CHECK(pairs == known[i].pairs, "%ld pairs of %d seeds", (long)pairs, known[i].n);
        dd_table_free(t);
    }
    /* A product that is cut to total degree D is the algebra of all its seeds to order D. */
    int32_t n[] = {2, 3}, order[] = {4, 4}, bound = 4;
    int64_t mask = 3;
    dd_table *t = test_table(2, n, order, 1, &mask, &bound);
    CHECK(t->M == dd_count(5, 4) && t->D == 4, "M = %ld", (long)t->M);
    dd_table_free(t);
    t = test_table(0, NULL, NULL, 0, NULL, NULL);
    CHECK(t->M == 1 && t->D == 0, "no factor: constants only");
    dd_table_free(t);
    dd_table_free(NULL);
}

static void check_refusals(void) {
    static const int32_t too_big[][3] = {
        /* nf copies of n seeds to an order */
        {1, 100000, 5}, {1, 1, 64}, {3, 2000, 1}, {1, 60000, 2}, {1, 2000, 3}, {40, 1, 1},
    };
    for (size_t i = 0; i < sizeof too_big / sizeof *too_big; i++) {
        int32_t n[62], order[62];
        dd_table *mark = (dd_table *)n, *t = mark;
        for (int q = 0; q < 62; q++) n[q] = too_big[i][1], order[q] = too_big[i][2];
        int status = dd_table_new(&t, too_big[i][0], n, order, 0, NULL, NULL);
        CHECK(status == DD_TOOBIG, "case %d: status %d", (int)i, status);
        CHECK(t == mark, "the result is left alone on failure");
    }
}

/* Every allocation fails in turn: the status says so, and nothing leaks. */
static void check_memory(void) {
    int32_t n[] = {2, 3}, order[] = {3, 2}, bound = 4;
    int64_t mask = 3;
    dd_table *t = NULL;
    int status = DD_NOMEM, fail = 0;
    while (status == DD_NOMEM && fail < 1000) {
        test_allocations = 0, test_fail_at = ++fail;
        status = dd_table_new(&t, 2, n, order, 1, &mask, &bound);
        CHECK((status == DD_OK) == (t != NULL), "status %d", status);
    }
    test_fail_at = 0;
    CHECK(status == DD_OK && fail > 10, "%d allocations failed in turn", fail - 1);
    dd_table_free(t);
}

void test_tables(void) {
    check_counts();
    check_sizes();
    check_refusals();
    check_memory();
    for (int i = 0; i < TEST_SHAPES; i++) {
        dd_table *t = test_shape(i);
        check_products(t);
        check_associative(t);
        dd_table_free(t);
    }
}
