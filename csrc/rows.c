/* Compressed rows of a sparse matrix: each element of a number gives one, its terms the entries,
 * its lanes their columns.
 *
 * Pieces are written where they belong if all rows are full, by any thread; where some are not,
 * the pieces are moved together at the end.
 */
#include <stdlib.h>
#include <string.h>

#include "dualdiff.h"
#include "types.h"

static const ptrdiff_t item_size[DD_NTYPES] = {sizeof(float), sizeof(double), sizeof(long double)};

enum {
    BYTES = 96 * 1024, /* of the terms of a piece, about, to stay in the cache */
    LEAST = 64,        /* elements that a piece has at least */
    SHARED = 65536,    /* entries from which threads share the work */
    PORTIONS = 16      /* that they take, at most */
};

static size_t item_of(const dd_rows *r) { return item_size[r->type] * r->parts; }

/* Entries ---------------------------------------------------------------------------------- */

/* How a matrix is stored: constants, wherever this is known when the library is compiled. */
typedef struct {
    size_t item; /* bytes of an entry */
    int wide;    /* whether indices have 64 bits, else 32 */
} form;

/* Columns are sorted by what is stored of them. */
DD_INLINE int64_t index_at(form f, const void *indices, ptrdiff_t k) {
    return f.wide ? ((const int64_t *)indices)[k] : ((const int32_t *)indices)[k];
}

DD_INLINE void set_index(form f, void *indices, ptrdiff_t k, int64_t i) {
    if (f.wide) ((int64_t *)indices)[k] = i;
    else ((int32_t *)indices)[k] = (int32_t)i;
}

DD_INLINE void copy_entry(form f, char *to, ptrdiff_t i, const char *from, ptrdiff_t j) {
    memcpy(to + i * f.item, from + j * f.item, f.item);
}

/* Adds entry y to x, by real and imaginary parts. */
static void add_entry(const dd_rows *r, char *x, const char *y) {
    for (int part = 0; part < r->parts; part++) {
        if (r->type == DD_F32) ((float *)x)[part] += ((const float *)y)[part];
        else if (r->type == DD_F64) ((double *)x)[part] += ((const double *)y)[part];
        else ((long double *)x)[part] += ((const long double *)y)[part];
    }
}

/* Seeds of consecutive elements whose lanes are strided: at[q], and step[q] bytes to the next. */
typedef struct {
    const char **at;
    const ptrdiff_t *step;
    ptrdiff_t *order; /* of the lanes in which the columns of a row ascend */
} seeds;

DD_INLINE ptrdiff_t seed_of(const seeds *s, ptrdiff_t q, ptrdiff_t i) {
    return *(const ptrdiff_t *)(s->at[q] + i * s->step[q]);
}

/* Element i, whose entries start at place `start`: sorts its columns, sums those that are equal.
 * Returns where the next starts. */
DD_INLINE ptrdiff_t add_row(const dd_rows *r, form f, const seeds *s, const char *t, ptrdiff_t row,
                            ptrdiff_t i, ptrdiff_t start) {
    ptrdiff_t end = start;
    for (ptrdiff_t q = 0; q < r->count; q++) {
        int64_t column = seed_of(s, q, i) - 1;
        if (column < 0) continue;
        ptrdiff_t k = end;
        while (k > start && index_at(f, r->indices, k - 1) > column) k--;
        if (k > start && index_at(f, r->indices, k - 1) == column) {
            add_entry(r, (char *)r->data + (k - 1) * f.item, t + (q * row + i) * f.item);
            continue;
        }
        for (ptrdiff_t p = end; p > k; p--) {
            set_index(f, r->indices, p, index_at(f, r->indices, p - 1));
            copy_entry(f, r->data, p, r->data, p - 1);
            s->order[p - start] = s->order[p - start - 1];
        }
        set_index(f, r->indices, k, column);
        copy_entry(f, r->data, k, t, q * row + i);
        s->order[k - start] = q;
        end++;
    }
    return end;
}

/* Whether the columns of element i ascend in the order of the one before; then it is written. */
DD_INLINE int add_like_last(const dd_rows *r, form f, const seeds *s, const char *t, ptrdiff_t row,
                            ptrdiff_t i, ptrdiff_t start) {
    const ptrdiff_t count = r->count;
    void *data = r->data, *indices = r->indices;
    ptrdiff_t before = 0;
    for (ptrdiff_t p = 0; p < count; p++) {
        ptrdiff_t q = s->order[p], seed = seed_of(s, q, i);
        if (seed <= before) return 0;
        before = seed;
        set_index(f, indices, start + p, seed - 1);
        copy_entry(f, data, start + p, t, q * row + i);
    }
    return 1;
}

/* n elements whose terms are at t, rows of them `row` elements apart; ends: of the entries of each.
 */
DD_INLINE ptrdiff_t add_rows(const dd_rows *r, form f, const seeds *s, const char *t, ptrdiff_t row,
                             ptrdiff_t n, ptrdiff_t first, ptrdiff_t start) {
    int full = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        ptrdiff_t end = start + r->count;
        if (!full || !add_like_last(r, f, s, t, row, i, start)) {
            end = add_row(r, f, s, t, row, i, start);
            full = end - start == r->count;
        }
        set_index(f, r->ends, first + i, start = end);
    }
    return start;
}

static ptrdiff_t add_run(const dd_rows *r, const seeds *s, const char *t, ptrdiff_t row,
                         ptrdiff_t n, ptrdiff_t first, ptrdiff_t start) {
    form f = {item_of(r), r->wide};
    if (f.wide) return add_rows(r, f, s, t, row, n, first, start);
    switch (f.item) {
    case 4:
        return add_rows(r, (form){4, 0}, s, t, row, n, first, start);
    case 8:
        return add_rows(r, (form){8, 0}, s, t, row, n, first, start);
    case 16:
        return add_rows(r, (form){16, 0}, s, t, row, n, first, start);
    default:
        return add_rows(r, f, s, t, row, n, first, start);
    }
}

/* Pieces ----------------------------------------------------------------------------------- */

typedef struct {
    dd_rows *r;
    dd_job *job; /* NULL: the terms are at t, rows `row` elements apart */
    const char *t;
    ptrdiff_t row;
    int outer, inner; /* leading dimensions; the one along which all lanes are strided, or -1 */
    ptrdiff_t run;    /* elements of all but the leading dimensions, strided as well */
    ptrdiff_t pieces, each;
    ptrdiff_t *used; /* entries of each piece */
} work;

static void find_runs(work *w) {
    const dd_rows *r = w->r;
    w->run = 1, w->inner = -1;
    for (w->outer = r->nd; w->outer > 0; w->outer--) {
        int d = w->outer - 1;
        if (r->shape[d] == 1) continue;
        if (w->inner < 0) w->inner = d;
        for (ptrdiff_t q = 0; q < r->count; q++) {
            const ptrdiff_t *steps = r->steps + q * r->nd;
            if (d != w->inner && steps[d] != steps[w->inner] * w->run) return;
        }
        w->run *= r->shape[d];
    }
}

static ptrdiff_t first_of(const work *w, ptrdiff_t piece) {
    return piece == w->pieces ? w->r->size : piece * w->each;
}

/* Elements first, ..., first + n - 1, whose terms are at t. */
static ptrdiff_t add_elements(const work *w, const seeds *s, const char *t, ptrdiff_t row,
                              ptrdiff_t first, ptrdiff_t n, ptrdiff_t start) {
    const dd_rows *r = w->r;
    for (ptrdiff_t at = first, m; at < first + n; at += m) {
        ptrdiff_t into = at % w->run, left = first + n - at;
        m = w->run - into < left ? w->run - into : left;
        for (ptrdiff_t q = 0; q < r->count; q++) {
            ptrdiff_t rest = at / w->run;
            s->at[q] = r->lanes[q] + into * s->step[q];
            for (int d = w->outer - 1; d >= 0; d--) {
                s->at[q] += rest % r->shape[d] * r->steps[q * r->nd + d];
                rest /= r->shape[d];
            }
        }
        start = add_run(r, s, t + (at - first) * item_of(r), row, m, at, start);
    }
    return start;
}

static int run_pieces(void *arg, ptrdiff_t first, ptrdiff_t last) {
    const work *w = arg;
    const dd_rows *r = w->r;
    ptrdiff_t item = item_of(r), length = w->each + DD_LINE / item, count = r->count;
    char *owned = w->job ? malloc((count + 1) * length * item + DD_LINE) : NULL;
    char *buf = DD_ALIGNED(owned);
    ptrdiff_t *step = malloc(2 * count * sizeof *step);
    const char **at = malloc(count * sizeof *at);
    ptrdiff_t n = first_of(w, first + 1) - first_of(w, first);
    dd_runner *runner = owned ? dd_start(w->job, n, buf, length) : NULL;
    int status = step && at && (runner || !w->job) ? DD_OK : DD_NOMEM;
    for (ptrdiff_t q = 0; q < count && !status; q++)
        step[q] = w->inner < 0 ? 0 : r->steps[q * r->nd + w->inner];
    seeds s = {at, step, step + count};
    for (ptrdiff_t p = first; p < last && !status; p++) {
        ptrdiff_t from = first_of(w, p), to = first_of(w, p + 1), start = r->used + from * count;
        if (runner) dd_run(runner, from, to);
        const char *t = runner ? buf + length * item : w->t + from * item;
        ptrdiff_t row = runner ? length : w->row;
        w->used[p] = add_elements(w, &s, t, row, from, to - from, start) - start;
    }
    dd_stop(runner);
    free(owned);
    free(step);
    free(at);
    return status;
}

/* Moves pieces together: rows may have fewer entries than there are lanes. */
static void close_gaps(const work *w) {
    dd_rows *r = w->r;
    form f = {item_of(r), r->wide};
    size_t index = r->wide ? sizeof(int64_t) : sizeof(int32_t);
    ptrdiff_t end = r->used;
    for (ptrdiff_t p = 0; p < w->pieces; end += w->used[p++]) {
        ptrdiff_t start = r->used + first_of(w, p) * r->count, gap = start - end;
        char *data = r->data, *indices = r->indices;
        if (!gap) continue;
        memmove(data + end * f.item, data + start * f.item, w->used[p] * f.item);
        memmove(indices + end * index, indices + start * index, w->used[p] * index);
        for (ptrdiff_t i = first_of(w, p); i < first_of(w, p + 1); i++)
            set_index(f, r->ends, i, index_at(f, r->ends, i) - gap);
    }
    r->used = end;
}

static int add_all(work *w, int shared) {
    dd_rows *r = w->r;
    if (!r->size) return DD_OK;
    find_runs(w);
    w->each = BYTES / ((r->count + 1) * item_of(r)) & ~(ptrdiff_t)(LEAST - 1);
    if (w->each < LEAST) w->each = LEAST;
    w->pieces = (r->size + w->each - 1) / w->each;
    w->used = malloc(w->pieces * sizeof *w->used);
    if (!w->used) return DD_NOMEM;
    shared |= r->size * r->count >= SHARED;
    int status = shared ? dd_parallel(run_pieces, w, w->pieces, w->pieces / PORTIONS + 1)
                        : run_pieces(w, 0, w->pieces);
    if (!status) close_gaps(w);
    free(w->used);
    return status;
}

int dd_compress(dd_rows *r, const void *t, ptrdiff_t row) {
    work w = {.r = r, .t = t, .row = row};
    return add_all(&w, 0);
}

int dd_apply_rows(dd_job *job) {
    work w = {.r = job->entries, .job = job};
    dd_place(job);
    int status = add_all(&w, dd_is_shared(job));
    dd_unplace(job);
    return status;
}
