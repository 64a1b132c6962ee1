/* Sums of whole arrays, shared by threads: the same bits however many there are.
 *
 * NumPy adds n numbers by halves: n / 2 of them rounded down to a multiple of 8, and the
 * rest.  So its own loop may add the pieces that some halvings give, in any order, if
 * their sums are added as the halves are.
 */
#include <stdlib.h>
#include <string.h>

#include "dualdiff.h"
#include "types.h"

static const ptrdiff_t item_size[DD_NTYPES] = {sizeof(float), sizeof(double), sizeof(long double)};

enum {
    PIECE = 4096,         /* elements that a piece has at least */
    HALVINGS = 7,         /* at most */
    BLOCK = 2048,         /* seeds that one thread adds to at a time */
    SHARED = 4096 * 1024, /* bytes from which threads share the work */
    SHARE = 64 * 1024,    /* that one takes at a time */
    LOCAL = 256,
    ROWS = 128 * 1024, /* bytes that the rows of a piece have, about, to stay in the cache */
    MOST = 512 * 1024, /* that they have at most */
    PORTIONS = 32,     /* of a job that threads take, at most */
    LEAST = 256        /* elements that NumPy halves: it adds 128 in one go */
};

typedef struct {
    const dd_fn *add;
    const char *data;
    char *out; /* the sum of each piece */
    ptrdiff_t n, row, step, size;
    int halvings;
} sums;

/* Piece `at` of those that so many halvings make of n elements: returns its size. */
static ptrdiff_t piece(ptrdiff_t n, int halvings, ptrdiff_t at, ptrdiff_t *first) {
    *first = 0;
    while (halvings--) {
        ptrdiff_t left = n / 2 - n / 2 % 8;
        if (at >> halvings & 1) *first += left, n -= left;
        else n = left;
    }
    return n;
}

static void add_one(const sums *job, char *a, char *b, char *c) {
    ptrdiff_t one = 1, steps[3] = {job->size, job->size, job->size};
    char *args[3] = {a, b, c};
    job->add->run(args, &one, steps, job->add->data);
}

/* Sums of pieces: those of each row in turn. */
static int add_pieces(void *arg, ptrdiff_t first, ptrdiff_t last) {
    const sums *job = arg;
    for (ptrdiff_t p = first; p < last; p++) {
        ptrdiff_t at, k = p >> job->halvings, rest = p - (k << job->halvings);
        ptrdiff_t n = piece(job->n, job->halvings, rest, &at), steps[3] = {0, job->step, 0};
        char *out = job->out + p * job->size;
        char *args[3] = {out, (char *)job->data + k * job->row + at * job->step, out};
        memset(out, 0, job->size);
        if (n) job->add->run(args, &n, steps, job->add->data);
    }
    return DD_OK;
}

/* The sum of each row from the sums of its pieces. */
static void add_halves(const sums *job, ptrdiff_t rows, char *out) {
    for (ptrdiff_t k = 0; k < rows; k++) {
        char *s = job->out + (k << job->halvings) * job->size;
        for (ptrdiff_t left = (ptrdiff_t)1 << job->halvings; left > 1; left /= 2)
            for (ptrdiff_t i = 0; i < left / 2; i++)
                add_one(job, s + 2 * i * job->size, s + (2 * i + 1) * job->size, s + i * job->size);
        memcpy(out + k * job->size, s, job->size);
    }
}

int dd_sum(int type, const dd_fn *add, ptrdiff_t rows, ptrdiff_t n, const void *data, ptrdiff_t row,
           ptrdiff_t step, void *out) {
    sums job = {add, data, out, n, row, step, item_size[type], 0};
    _Alignas(16) char local[LOCAL * sizeof(long double)];
    char *buf = local;
    if (rows * n * job.size < SHARED) return add_pieces(&job, 0, rows);
    while (job.halvings < HALVINGS && n >> (job.halvings + 1) >= PIECE) job.halvings++;
    ptrdiff_t pieces = rows << job.halvings, each = n * job.size >> job.halvings;
    if (!job.halvings) return dd_parallel(add_pieces, &job, rows, SHARE / each + 1);
    if (pieces > LOCAL && !(buf = malloc(pieces * job.size))) return DD_NOMEM;
    job.out = buf;
    int status = dd_parallel(add_pieces, &job, pieces, SHARE / each + 1);
    add_halves(&job, rows, out);
    if (buf != local) free(buf);
    return status;
}

typedef struct {
    double *g;
    const dd_runs *rows;
    int count, fresh;
} scatter;

static ptrdiff_t most(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }
static ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

DD_CLONES static void add_row(ptrdiff_t n, double *restrict g, const double *restrict t) {
    for (ptrdiff_t e = 0; e < n; e++) g[e] += t[e];
}

DD_CLONES static void set_row(ptrdiff_t n, double *restrict g, const double *restrict t) {
    for (ptrdiff_t e = 0; e < n; e++) g[e] = 0 + t[e];
}

/* Two rows in one pass: memory costs more than sums. */
DD_CLONES static void set_rows(ptrdiff_t n, double *restrict g, const double *restrict t,
                               const double *restrict u) {
    for (ptrdiff_t e = 0; e < n; e++) g[e] = (0 + t[e]) + u[e];
}

/* Seeds low .. high - 1 before anything, or nothing but the first row, is added: how many rows. */
static int begin_seeds(const scatter *job, ptrdiff_t low, ptrdiff_t high) {
    double *g = job->g;
    const dd_runs *r = job->rows;
    int set = job->count && r->runs == 1;
    ptrdiff_t from = set ? least(most(r->start, low), high) : high;
    ptrdiff_t stop = set ? least(most(r->start + r->length, from), high) : high;
    memset(g + low, 0, (from - low) * sizeof *g);
    if (set) set_row(stop - from, g + from, r->t + from - r->start);
    memset(g + stop, 0, (high - stop) * sizeof *g);
    return set;
}

/* Rows from the first on that seeds low .. high - 1 get. */
static void add_rows(const scatter *job, int first, ptrdiff_t low, ptrdiff_t high) {
    double *g = job->g;
    for (int k = first; k < job->count; k++) {
        const dd_runs *r = job->rows + k;
        ptrdiff_t i = low > r->start ? (low - r->start) / r->step : 0;
        for (; i < r->runs && r->start + i * r->step < high; i++) {
            ptrdiff_t from = r->start + i * r->step;
            ptrdiff_t e = most(low, from), stop = least(high, from + r->length);
            add_row(stop - e, g + e, r->t + i * r->length + e - from);
        }
    }
}

/* Seeds that start with zeros. */
static void set_seeds(const scatter *job, ptrdiff_t low, ptrdiff_t high) {
    const dd_runs *r = job->rows, *s = r + 1;
    if (low >= high) return;
    if (job->count > 1 && r->runs == 1 && s->runs == 1) {
        ptrdiff_t from = most(low, most(r->start, s->start));
        ptrdiff_t stop = least(high, least(r->start + r->length, s->start + s->length));
        if (from < stop) {
            set_seeds(job, low, from);
            set_rows(stop - from, job->g + from, r->t + from - r->start, s->t + from - s->start);
            add_rows(job, 2, from, stop);
            set_seeds(job, stop, high);
            return;
        }
    }
    add_rows(job, begin_seeds(job, low, high), low, high);
}

/* Seeds first .. last - 1, in blocks that stay in the cache. */
static int add_to_seeds(void *arg, ptrdiff_t first, ptrdiff_t last) {
    const scatter *job = arg;
    for (ptrdiff_t low = first; low < last; low += BLOCK) {
        ptrdiff_t high = least(low + BLOCK, last);
        if (job->fresh) set_seeds(job, low, high);
        else add_rows(job, 0, low, high);
    }
    return DD_OK;
}

int dd_scatter(double *g, ptrdiff_t n, const dd_runs *rows, int count, int fresh) {
    scatter job = {g, rows, count, fresh};
    if (n * (ptrdiff_t)sizeof *g < SHARED) return add_to_seeds(&job, 0, n);
    return dd_parallel(add_to_seeds, &job, n, 8 * BLOCK);
}

/* Adding a row, times a factor -------------------------------------------- */

typedef struct {
    double *t;
    double g;
    const double *row;
    ptrdiff_t step;
    int fresh;
} scaled;

/* t = or += g row.  Exact zeros add nothing, even where g is no finite number. */
DD_CLONES static void add_scaled(const scaled *s, ptrdiff_t first, ptrdiff_t last) {
    double g = s->g, *t = s->t; /* the row itself, perhaps */
    const double *row = s->row;
    if (g - g != 0) {
        for (ptrdiff_t e = first; e < last; e++) {
            double x = row[e * s->step], old = s->fresh ? 0 : t[e];
            t[e] = x == 0 ? old : old + x * g;
        }
    } else if (!s->step) {
        double x = *row * g;
        if (s->fresh)
            for (ptrdiff_t e = first; e < last; e++) t[e] = x;
        else
            for (ptrdiff_t e = first; e < last; e++) t[e] += x;
    } else if (s->fresh) {
        for (ptrdiff_t e = first; e < last; e++) t[e] = row[e] * g;
    } else {
        for (ptrdiff_t e = first; e < last; e++) t[e] += row[e] * g;
    }
}

static int scaled_range(void *arg, ptrdiff_t first, ptrdiff_t last) {
    add_scaled(arg, first, last);
    return DD_OK;
}

void dd_add_scaled(double *t, ptrdiff_t n, double g, const double *row, int step, int fresh) {
    scaled s = {t, g, row, step, fresh};
    if (n * (ptrdiff_t)sizeof *t < SHARED) add_scaled(&s, 0, n);
    else dd_parallel(scaled_range, &s, n, 8 * BLOCK);
}

/* Sums without the numbers ------------------------------------------------- */

typedef struct {
    dd_job *job;
    sums sums;
    ptrdiff_t M, length; /* rows of a piece, and their distance */
    ptrdiff_t low, high; /* the first seeds lie between */
    double *edges;       /* of each piece and row of terms the first and last high - low */
    int runs;            /* whether there are rows for runs of seeds */
} whole;

/* The seed of element e in a row that starts with seed 0. */
static ptrdiff_t seed_of(const dd_total *total, ptrdiff_t e) {
    return e / total->length * total->step + e % total->length;
}

enum { PARTS = 3 }; /* of consecutive elements: the rest of a run, whole ones, a part of one */

/* Appends elements at, ..., at + n - 1 of row k, which lie at t; returns how many runs there are.
 */
static int add_elements(const dd_total *total, ptrdiff_t k, ptrdiff_t at, ptrdiff_t n,
                        const double *t, dd_runs *runs, int count) {
    ptrdiff_t length = total->length, into = at % length;
    ptrdiff_t head = into ? least(n, length - into) : 0, whole = (n - head) / length;
    ptrdiff_t sizes[PARTS] = {head, whole * length, n - head - whole * length};
    for (int i = 0; i < PARTS; i++, n -= sizes[i - 1]) {
        if (!sizes[i]) continue;
        dd_runs r = {t, total->starts[k] + seed_of(total, at), 1, sizes[i], sizes[i]};
        if (i == 1) r.runs = whole, r.step = total->step, r.length = length;
        runs[count++] = r;
        at += sizes[i], t += sizes[i];
    }
    return count;
}

/* Where the seeds of piece p start in a row that starts with seed 0; where all end, after the
 * last. */
static ptrdiff_t boundary(const whole *w, ptrdiff_t p) {
    ptrdiff_t at;
    if (p >> w->sums.halvings) return seed_of(w->job->total, w->sums.n - 1) + 1;
    piece(w->sums.n, w->sums.halvings, p, &at);
    return seed_of(w->job->total, at);
}

/* The rows of piece p go to the seeds that no other piece adds to; what is for others waits. */
static void scatter_piece(const whole *w, ptrdiff_t p, ptrdiff_t at, ptrdiff_t n, const double *t,
                          dd_runs *runs) {
    const dd_total *total = w->job->total;
    ptrdiff_t K = w->M - 1, width = w->high - w->low;
    double *edges = w->edges + 2 * width * K * p;
    int count = 0;
    for (ptrdiff_t k = 0; k < K; k++, edges += 2 * width) {
        if (total->starts[k] < 0) continue;
        const double *row = t + k * w->length;
        count = add_elements(total, k, at, n, row, runs, count);
        memcpy(edges, row, width * sizeof *edges);
        memcpy(edges + width, row + n - width, width * sizeof *edges);
    }
    scatter inner = {total->g, runs, count, 1};
    add_to_seeds(&inner, boundary(w, p) + w->high, boundary(w, p + 1) + w->low);
}

/* Seeds that two pieces add to: those around each first element, and around the end. */
static void scatter_edges(const whole *w, dd_runs *runs) {
    const dd_total *total = w->job->total;
    ptrdiff_t K = w->M - 1, width = w->high - w->low, pieces = (ptrdiff_t)1 << w->sums.halvings;
    for (ptrdiff_t p = 0; p <= pieces; p++) {
        ptrdiff_t at = w->sums.n;
        int count = 0;
        if (p < pieces) piece(w->sums.n, w->sums.halvings, p, &at);
        for (ptrdiff_t k = 0; k < K; k++) { /* a row is in one of the two for each seed */
            if (total->starts[k] < 0) continue;
            const double *after = w->edges + 2 * width * (K * p + k);
            const double *before = after - 2 * width * K + width;
            if (p) count = add_elements(total, k, at - width, width, before, runs, count);
            if (p < pieces) count = add_elements(total, k, at, width, after, runs, count);
        }
        scatter outer = {total->g, runs, count, 1};
        add_to_seeds(&outer, boundary(w, p) + w->low, boundary(w, p) + w->high);
    }
    memset(total->g, 0, w->low * sizeof *total->g);
    ptrdiff_t end = boundary(w, pieces) + w->high;
    memset(total->g + end, 0, (total->n - end) * sizeof *total->g);
}

/* Whether row k of a result is added up: the values, or terms without seeds or for a single one. */
static int is_summed(const whole *w, ptrdiff_t k) {
    const ptrdiff_t *starts = w->job->total->starts;
    return !k || !starts || starts[k - 1] < 0;
}

static int run_pieces(void *arg, ptrdiff_t first, ptrdiff_t last) {
    const whole *w = arg;
    ptrdiff_t size = w->sums.size, at, n = piece(w->sums.n, w->sums.halvings, first, &at);
    char *owned = malloc(w->M * w->length * size + DD_LINE), *buf = DD_ALIGNED(owned);
    dd_runs *runs = malloc(PARTS * w->M * sizeof *runs);
    dd_runner *runner = owned ? dd_start(w->job, n, buf, w->length) : NULL;
    int status = owned && runs && runner ? DD_OK : DD_NOMEM;
    for (ptrdiff_t p = first; p < last && !status; p++) {
        n = piece(w->sums.n, w->sums.halvings, p, &at);
        dd_run(runner, at, at + n);
        for (ptrdiff_t k = 0; k < w->M; k++) {
            if (!is_summed(w, k)) continue;
            sums row = w->sums;
            row.data = buf + k * w->length * size, row.n = n, row.halvings = 0;
            row.out += ((k << w->sums.halvings) + p) * size;
            add_pieces(&row, 0, 1);
        }
        if (w->runs) scatter_piece(w, p, at, n, (double *)(buf + w->length * size), runs);
    }
    dd_stop(runner);
    free(owned);
    free(runs);
    return status;
}

int dd_apply_sum(dd_job *job) {
    const dd_total *total = job->total;
    ptrdiff_t n = job->size, size = item_size[job->type];
    whole w = {job, {total->add, NULL, NULL, n, 0, size, size, 0}, 0, 0, 0, 0, NULL, 0};
    w.M = job->steps[job->count - 1].A->M;
    for (ptrdiff_t k = 0; total->starts && k < w.M - 1; k++) {
        ptrdiff_t start = total->starts[k];
        if (start < 0) continue;
        w.low = w.runs ? least(w.low, start) : start;
        w.high = w.runs ? most(w.high, start) : start;
        w.runs = 1;
    }
    ptrdiff_t shortest = most(LEAST, 4 * (w.high - w.low));
    while (n >> w.sums.halvings > most(ROWS / size / w.M, 2 * shortest)) w.sums.halvings++;
    ptrdiff_t pieces = (ptrdiff_t)1 << w.sums.halvings;
    if (n < 2 * (w.high - w.low) || w.M * (n / pieces) * size > MOST) return DD_TOOBIG;
    w.length = (n / pieces + 31) & ~(ptrdiff_t)15;
    w.sums.out = malloc(w.M * pieces * size);
    w.edges = malloc((2 * (w.high - w.low) * pieces * w.M + 1) * sizeof *w.edges);
    dd_runs *runs = malloc(2 * PARTS * w.M * sizeof *runs);
    int status = w.sums.out && w.edges && runs ? DD_OK : DD_NOMEM;
    if (!status) {
        dd_place(job);
        status = dd_is_shared(job) ? dd_parallel(run_pieces, &w, pieces, pieces / PORTIONS + 1)
                                   : run_pieces(&w, 0, pieces);
        dd_unplace(job);
    }
    if (!status) {
        add_halves(&w.sums, total->starts ? 1 : w.M, total->sums);
        if (w.runs) scatter_edges(&w, runs);
        else if (total->starts) memset(total->g, 0, total->n * sizeof *total->g);
        for (ptrdiff_t k = 1; total->starts && k < w.M; k++) {
            if (!is_summed(&w, k)) continue;
            double sum;
            sums row = w.sums;
            row.out += (k << row.halvings) * size;
            add_halves(&row, 1, (char *)&sum);
            total->g[-1 - total->starts[k - 1]] += sum;
        }
    }
    free(w.sums.out);
    free(w.edges);
    free(runs);
    return status;
}
