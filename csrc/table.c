/* Product tables of tensor products of truncated polynomial algebras.
 *
 * A monomial of one factor is a multiset of its seeds, written as the sorted
 * list s[0] <= ... <= s[d-1].  Within a degree monomials are in colexicographic
 * order, so that the number of one is a sum of binomials and does not depend on n.
 */
#include <stdlib.h>
#include <string.h>

#include "dualdiff.h"

#define LIMIT INT32_MAX

static int64_t binomial(int64_t n, int64_t k) {
    if (k < 0 || k > n) return 0;
    if (k > n - k) k = n - k;
    int64_t c = 1;
    for (int64_t i = 1; i <= k; i++) {
        if (c > INT64_MAX / (n - k + i)) return -1;
        c = c * (n - k + i) / i;
    }
    return c;
}

int64_t dd_count(int64_t n, int64_t d) {
    int64_t m = binomial(n + d, d);
    return m < 0 || m > LIMIT ? -1 : m;
}

int64_t dd_rank(int64_t n, int32_t d, const int32_t *s) {
    int64_t r = d ? dd_count(n, d - 1) : 0;
    for (int32_t i = 0; i < d; i++) r += binomial(s[i] + i, i + 1);
    return r;
}

/* All pairs of one factor, (0, k) and (k, 0) among them. */
typedef struct {
    int64_t m;
    int32_t *deg;
    int64_t *start;
    int32_t *i, *j;
} factor;

static void factor_free(factor *f) {
    free(f->deg);
    free(f->start);
    free(f->i);
    free(f->j);
}

/* Number of multisets contained in s[0..d). */
static int64_t submultisets(int32_t d, const int32_t *s) {
    int64_t c = 1;
    for (int32_t i = 0, run = 0; i < d; i++) {
        run++;
        if (i + 1 == d || s[i + 1] != s[i]) c *= run + 1, run = 0;
    }
    return c;
}

/* The next multiset of degree d over n seeds in colexicographic order. */
static void next_multiset(int32_t d, int32_t *s) {
    int32_t i = 0;
    while (i + 1 < d && s[i] == s[i + 1]) i++;
    s[i]++;
    memset(s, 0, i * sizeof *s);
}

/* Writes the pairs of the monomial s[0..d), seen from all its submultisets. */
static void write_pairs(int32_t n, int32_t d, const int32_t *s, int32_t *count, int32_t *sub,
                        int32_t *rest, int32_t *pi, int32_t *pj) {
    /* count[r]: copies taken of the r-th distinct seed; an odometer over them. */
    int32_t distinct = 0, seed[64], have[64];
    for (int32_t i = 0; i < d; i++) {
        if (i && s[i] == s[i - 1]) {
            have[distinct - 1]++;
        } else {
            seed[distinct] = s[i], have[distinct] = 1, count[distinct] = 0, distinct++;
        }
    }
    for (int64_t at = 0;; at++) {
        int32_t ds = 0, dr = 0;
        for (int32_t r = 0; r < distinct; r++) {
            for (int32_t q = 0; q < count[r]; q++) sub[ds++] = seed[r];
            for (int32_t q = count[r]; q < have[r]; q++) rest[dr++] = seed[r];
        }
        pi[at] = (int32_t)dd_rank(n, ds, sub);
        pj[at] = (int32_t)dd_rank(n, dr, rest);
        int32_t r = 0;
        while (r < distinct && count[r] == have[r]) count[r++] = 0;
        if (r == distinct) return;
        count[r]++;
    }
}

static int factor_init(factor *f, int32_t n, int32_t order) {
    int32_t s[64], count[64], sub[64], rest[64];
    memset(f, 0, sizeof *f);
    if (order > 63) return DD_TOOBIG;
    f->m = dd_count(n, order);
    /* All pairs: products of two monomials, in 2 n seeds, of total degree at most `order`. */
    if (f->m < 0 || dd_count(2 * (int64_t)n, order) < 0) return DD_TOOBIG;
    f->deg = malloc(f->m * sizeof *f->deg);
    f->start = malloc((f->m + 1) * sizeof *f->start);
    if (!f->deg || !f->start) return DD_NOMEM;
    for (int fill = 0; fill < 2; fill++) {
        int64_t k = 0, total = 0;
        for (int32_t d = 0; d <= order; d++) {
            int64_t end = dd_count(n, d);
            memset(s, 0, sizeof s);
            for (; k < end; k++) {
                if (fill)
                    write_pairs(n, d, s, count, sub, rest, f->i + f->start[k], f->j + f->start[k]);
                f->deg[k] = d;
                f->start[k] = total;
                total += submultisets(d, s);
                if (total > LIMIT) return DD_TOOBIG;
                if (k + 1 < end) next_multiset(d, s);
            }
        }
        f->start[f->m] = total;
        if (!fill) {
            f->i = malloc(total * sizeof *f->i);
            f->j = malloc(total * sizeof *f->j);
            if (!f->i || !f->j) return DD_NOMEM;
        }
    }
    return DD_OK;
}

void dd_table_free(dd_table *t) {
    if (!t) return;
    free(t->n);
    free(t->order);
    free(t->deg);
    free(t->head);
    free(t->part);
    free(t->start);
    free(t->pi);
    free(t->pj);
    free(t);
}

/* Advances the odometer x over radices m; returns 0 after the last state. */
static int tick(int32_t nf, int64_t *x, const factor *f) {
    for (int32_t q = nf - 1; q >= 0; q--) {
        if (++x[q] < f[q].m) return 1;
        x[q] = 0;
    }
    return 0;
}

typedef struct {
    int32_t nb;
    const int64_t *mask;
    const int32_t *bound;
} bounds;

/* Total degree of the product x, or -1 where a bound drops it. */
static int32_t degree(int32_t nf, const int64_t *x, const factor *f, const bounds *keep) {
    int32_t d = 0;
    for (int32_t q = 0; q < nf; q++) d += f[q].deg[x[q]];
    for (int32_t r = 0; r < keep->nb; r++) {
        int32_t sum = 0;
        for (int32_t q = 0; q < nf; q++)
            if (keep->mask[r] >> q & 1) sum += f[q].deg[x[q]];
        if (sum > keep->bound[r]) return -1;
    }
    return d;
}

static int build(dd_table *t, const factor *f, const bounds *keep, int64_t *x, int64_t *y,
                 int64_t *radix, int32_t **where) {
    int32_t nf = t->nf, D = 0;
    int64_t raw = 1;
    for (int32_t q = 0; q < nf; q++) D += t->order[q];
    for (int32_t q = nf - 1; q >= 0; q--) {
        radix[q] = raw;
        if (raw > LIMIT / f[q].m) return DD_TOOBIG;
        raw *= f[q].m;
    }
    /* Counting sort of all raw products by total degree. */
    t->head = calloc(D + 2, sizeof *t->head);
    *where = malloc(raw * sizeof **where);
    if (!t->head || !*where) return DD_NOMEM;
    memset(x, 0, nf * sizeof *x);
    do {
        int32_t d = degree(nf, x, f, keep);
        if (d >= 0) t->head[d + 1]++;
    } while (tick(nf, x, f));
    while (D > 0 && !t->head[D + 1]) D--;
    for (int32_t d = 0; d <= D; d++) t->head[d + 1] += t->head[d];
    t->D = D;
    t->M = t->head[D + 1];
    t->deg = malloc(t->M * sizeof *t->deg);
    t->part = malloc((t->M * nf + 1) * sizeof *t->part);
    t->start = malloc((t->M + 1) * sizeof *t->start);
    int64_t *next = malloc((D + 1) * sizeof *next);
    if (!t->deg || !t->part || !t->start || !next) return free(next), DD_NOMEM;
    memcpy(next, t->head, (D + 1) * sizeof *next);
    for (int64_t r = 0; r < raw; r++, tick(nf, x, f)) {
        int32_t d = degree(nf, x, f, keep);
        if (d < 0) continue;
        int64_t k = next[d]++;
        (*where)[r] = (int32_t)k;
        t->deg[k] = d;
        for (int32_t q = 0; q < nf; q++) t->part[k * nf + q] = (int32_t)x[q];
    }
    free(next);
    /* Pairs: the products of the factors' own pairs, without (0, k) and (k, 0). */
    int64_t total = 0;
    for (int64_t k = 0; k < t->M; k++) {
        int64_t c = 1;
        t->start[k] = total;
        for (int32_t q = 0; q < nf; q++) {
            int64_t m = t->part[k * nf + q];
            c *= f[q].start[m + 1] - f[q].start[m];
        }
        if (k) total += c - 2;
        if (total > LIMIT) return DD_TOOBIG;
    }
    t->start[t->M] = total;
    t->pi = malloc((total + 1) * sizeof *t->pi);
    t->pj = malloc((total + 1) * sizeof *t->pj);
    if (!t->pi || !t->pj) return DD_NOMEM;
    for (int64_t k = 1; k < t->M; k++) {
        int64_t at = t->start[k], end = t->start[k + 1];
        const int32_t *part = t->part + k * nf;
        if (at == end) continue;
        memset(y, 0, nf * sizeof *y);
        for (;;) {
            int64_t ri = 0, rj = 0;
            int32_t q;
            for (q = 0; q < nf; q++) {
                int64_t p = f[q].start[part[q]] + y[q];
                ri += radix[q] * f[q].i[p], rj += radix[q] * f[q].j[p];
            }
            if (ri && rj) t->pi[at] = (*where)[ri], t->pj[at] = (*where)[rj], at++;
            for (q = nf - 1; q >= 0; q--) {
                if (++y[q] < f[q].start[part[q] + 1] - f[q].start[part[q]]) break;
                y[q] = 0;
            }
            if (q < 0) break;
        }
    }
    return DD_OK;
}

/* One factor of order 1: nothing to list, whatever the number of seeds. */
static int first_order(dd_table *t) {
    t->D = 1;
    t->M = (int64_t)t->n[0] + 1;
    t->head = malloc(3 * sizeof *t->head);
    if (!t->head) return DD_NOMEM;
    t->head[0] = 0, t->head[1] = 1, t->head[2] = t->M;
    return DD_OK;
}

int dd_table_new(dd_table **table, int32_t nf, const int32_t *n, const int32_t *order, int32_t nb,
                 const int64_t *mask, const int32_t *bound) {
    int status = DD_OK;
    bounds keep = {nb, mask, bound};
    dd_table *t = calloc(1, sizeof *t);
    factor *f = calloc(nf + 1, sizeof *f);
    int64_t *x = calloc(3 * (nf + 1), sizeof *x);
    int32_t *where = NULL;
    if (!t || !f || !x) {
        status = DD_NOMEM;
        goto done;
    }
    t->nf = nf;
    t->n = malloc((nf + 1) * sizeof *t->n);
    t->order = malloc((nf + 1) * sizeof *t->order);
    if (!t->n || !t->order) {
        status = DD_NOMEM;
        goto done;
    }
    for (int32_t q = 0; q < nf; q++) t->n[q] = n[q], t->order[q] = order[q];
    if (nf == 1 && !nb && order[0] == 1 && n[0] < LIMIT) {
        status = first_order(t);
        goto done;
    }
    for (int32_t q = 0; q < nf && !status; q++) status = factor_init(f + q, n[q], order[q]);
    if (!status) status = build(t, f, &keep, x, x + nf + 1, x + 2 * (nf + 1), &where);
done:
    for (int32_t q = 0; f && q < nf; q++) factor_free(f + q);
    free(f);
    free(x);
    free(where);
    if (status) {
        dd_table_free(t);
        return status;
    }
    *table = t;
    return DD_OK;
}
