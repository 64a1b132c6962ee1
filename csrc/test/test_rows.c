/* Compressed rows: what sorting the entries of each element gives, whatever their lanes, the types
 * and the number of threads. */
#include <math.h>

#include "test.h"

enum { ND = 3, MOST = 9, BASE = 11 };
static const ptrdiff_t item_size[] = {sizeof(float), sizeof(double), sizeof(long double)};

static void sine(char **args, const ptrdiff_t *n, const ptrdiff_t *steps, void *data) {
    (void)data;
    for (ptrdiff_t e = 0; e < *n; e++)
        *(double *)(args[1] + e * steps[1]) = sin(*(double *)(args[0] + e * steps[0]));
}

/* Entries, BASE of them from earlier on, as long doubles. */
typedef struct {
    ptrdiff_t used, *columns, *ends;
    long double *data;
} matrix;

static matrix new_matrix(ptrdiff_t size, ptrdiff_t entries) {
    matrix m = {BASE, malloc(entries * sizeof *m.columns), malloc((size + 1) * sizeof *m.ends),
                malloc(2 * entries * sizeof *m.data)};
    return m;
}

static void free_matrix(matrix m) { free(m.columns), free(m.ends), free(m.data); }

/* Part of an entry as it is stored. */
static void put(int type, void *at, ptrdiff_t i, long double x) {
    if (type == DD_F32) ((float *)at)[i] = (float)x;
    if (type == DD_F64) ((double *)at)[i] = (double)x;
    if (type == DD_LD) ((long double *)at)[i] = x;
}

static long double get(int type, const void *at, ptrdiff_t i) {
    if (type == DD_F32) return ((const float *)at)[i];
    return type == DD_F64 ? ((const double *)at)[i] : ((const long double *)at)[i];
}

/* One element after another: entries in order of the local seeds, those of one column summed, then
 * sorted. */
static matrix expected(const dd_rows *r, const void *terms) {
    matrix m = new_matrix(r->size, BASE + r->size * r->count);
    for (ptrdiff_t e = 0; e < r->size; m.ends[e++] = m.used) {
        ptrdiff_t start = m.used;
        for (ptrdiff_t q = 0; q < r->count; q++) {
            const char *seed = r->lanes[q];
            ptrdiff_t rest = e, k = start;
            for (int d = r->nd - 1; d >= 0; rest /= r->shape[d--])
                seed += rest % r->shape[d] * r->steps[q * r->nd + d];
            ptrdiff_t column = *(const ptrdiff_t *)seed - 1;
            if (column < 0) continue;
            while (k < m.used && m.columns[k] != column) k++;
            for (int p = 0; p < r->parts; p++) {
                long double x = get(r->type, terms, (q * r->size + e) * r->parts + p);
                if (k == m.used) m.data[2 * k + p] = x;
                else if (r->type == DD_F32) m.data[2 * k + p] = (float)(m.data[2 * k + p] + x);
                else if (r->type == DD_F64)
                    m.data[2 * k + p] = (double)m.data[2 * k + p] + (double)x;
                else m.data[2 * k + p] += x;
            }
            m.columns[k] = column;
            m.used += k == m.used;
        }
        for (ptrdiff_t i = start; i < m.used; i++)
            for (ptrdiff_t j = i; j > start && m.columns[j - 1] > m.columns[j]; j--) {
                ptrdiff_t c = m.columns[j];
                m.columns[j] = m.columns[j - 1], m.columns[j - 1] = c;
                for (int p = 0; p < 2; p++) {
                    long double x = m.data[2 * j + p];
                    m.data[2 * j + p] = m.data[2 * j - 2 + p], m.data[2 * j - 2 + p] = x;
                }
            }
    }
    return m;
}

/* Room for a matrix as it is stored. */
static void give_room(dd_rows *r) {
    ptrdiff_t entries = BASE + r->size * r->count, item = item_size[r->type] * r->parts;
    r->used = BASE;
    r->data = malloc(entries * item), r->indices = malloc(entries * 8),
    r->ends = malloc(r->size * 8 + 8);
    memset(r->data, 0x55, entries * item), memset(r->indices, 0x55, entries * 8);
}

static void take_room(dd_rows *r) { free(r->data), free(r->indices), free(r->ends); }

static ptrdiff_t index_of(const dd_rows *r, const void *indices, ptrdiff_t i) {
    return r->wide ? (ptrdiff_t)((const int64_t *)indices)[i] : ((const int32_t *)indices)[i];
}

static ptrdiff_t differences(const dd_rows *r, const matrix *want) {
    ptrdiff_t bad = r->used != want->used;
    for (ptrdiff_t e = 0; e < r->size; e++) bad += index_of(r, r->ends, e) != want->ends[e];
    for (ptrdiff_t k = BASE; k < want->used; k++) {
        bad += index_of(r, r->indices, k) != want->columns[k];
        for (int p = 0; p < r->parts; p++)
            bad += get(r->type, r->data, k * r->parts + p) != want->data[2 * k + p];
    }
    for (ptrdiff_t k = 0; k < BASE; k++) /* what was there before */
        bad += index_of(r, r->indices, k) != (r->wide ? 0x5555555555555555 : 0x55555555);
    return bad;
}

/* Lanes of an array of this shape: consecutive seeds, reversed ones, one for a row or for all,
 * every second one of a larger array, columns first; at random; with zeros, and equal ones. */
static const ptrdiff_t layouts[][ND] = {{2020, 101, 1}, {2020, 101, -1}, {2020, 101, 0}, {0, 0, 0},
                                        {8080, 202, 2}, {1, 3, 60},      {2040, 102, 1}};
enum { LAYOUTS = sizeof layouts / sizeof *layouts, SEEDS = 40000, KINDS = 3 };

static void make_lanes(dd_rows *r, const ptrdiff_t *seeds, int which, const char **lanes,
                       ptrdiff_t *steps) {
    for (ptrdiff_t q = 0; q < r->count; q++) {
        const ptrdiff_t *layout = layouts[(which + q * (which % KINDS)) % LAYOUTS];
        ptrdiff_t low = which % 2 ? 0 : 5 * (q * 4 % 7);
        for (int d = 0; d < ND; d++) {
            steps[q * ND + d] = layout[d] * (ptrdiff_t)sizeof *seeds;
            if (layout[d] < 0) low -= (r->shape[d] - 1) * layout[d];
        }
        lanes[q] = (const char *)(seeds + low);
    }
    r->lanes = lanes, r->steps = steps;
}

static void check_lanes(void) {
    static const ptrdiff_t counts[] = {1, 3, 6, MOST};
    ptrdiff_t *seeds[KINDS], steps[MOST * ND];
    const char *lanes[MOST];
    for (int k = 0; k < KINDS; k++) {
        seeds[k] = malloc(SEEDS * sizeof **seeds);
        for (ptrdiff_t i = 0; i < SEEDS; i++)
            seeds[k][i] =
                k == 0 ? i + 1 : (ptrdiff_t)test_uniform(k == 1 ? 1 : 0, k == 1 ? 9000 : 6);
    }
    for (int i = 0; i < 4 * LAYOUTS * KINDS * 2; i++) {
        int type = i % DD_NTYPES, parts = i / DD_NTYPES % 2 + 1, wide = i % 5 == 0;
        dd_rows r = {.type = type, .parts = parts, .wide = wide, .nd = ND, .size = 6060};
        r.shape[0] = 3, r.shape[1] = 20, r.shape[2] = 101, r.count = counts[i % 4];
        ptrdiff_t numbers = r.count * r.size * parts;
        char *terms = malloc(numbers * item_size[type]);
        for (ptrdiff_t e = 0; e < numbers; e++) put(type, terms, e, test_uniform(-1, 1));
        make_lanes(&r, seeds[i / 4 % KINDS], i / 4 / KINDS, lanes, steps);
        matrix want = expected(&r, terms);
        for (int threads = 1; threads <= 3; threads++) {
            dd_set_threads(threads);
            give_room(&r);
            CHECK(dd_compress(&r, terms, r.size) == DD_OK, "status");
            ptrdiff_t bad = differences(&r, &want);
            CHECK(!bad, "case %d, %d threads: %ld differences", i, threads, (long)bad);
            take_room(&r);
        }
        free_matrix(want);
        free(terms);
    }
    for (int k = 0; k < KINDS; k++) free(seeds[k]);
}

/* The rows of sin(sin(a)), of which the inner numbers are kept or not. */
static void check_jobs(void) {
    static const ptrdiff_t sizes[] = {0, 1, 100, 5000, 100001};
    const dd_fn value = {sine, NULL};
    int32_t n = 3, order = 1;
    dd_table *A = test_table(1, &n, &order, 0, NULL, NULL);
    for (int i = 0; i < 20; i++) {
        ptrdiff_t size = sizes[i / 4], steps[3] = {8, 8, 8};
        double *a = malloc((12 * size + 1) * sizeof *a), *c = a + 4 * size, *kept = a + 8 * size;
        ptrdiff_t *seeds = malloc((size + 3) * sizeof *seeds);
        for (ptrdiff_t e = 0; e < 4 * size; e++) a[e] = test_uniform(-1, 1);
        for (ptrdiff_t e = 0; e < size + 3; e++) seeds[e] = i % 2 ? e % 7 : e + 1;
        const char *lanes[3] = {(char *)(seeds + 1), (char *)seeds, (char *)(seeds + 2)};
        dd_rows r = {.type = DD_F64, .parts = 1, .nd = 1, .size = size, .count = 3};
        r.shape[0] = size, r.lanes = lanes, r.steps = steps;
        dd_array in = {(char *)a, (char *)(a + size), size * 8, 3, .flat = 1};
        dd_array out = {(char *)c, (char *)(c + size), size * 8, 3, .flat = 1}, none = {0};
        dd_step both[2] = {{.A = A, .kernel = DD_sin, .a = in},
                           {.A = A, .kernel = DD_sin, .from_a = 1, .c = out}};
        both[0].value = both[1].value = both[0].aux = both[1].aux = value;
        dd_job job = {.type = DD_F64, .nd = 1, .size = size, .steps = both, .count = 2};
        job.shape[0] = size;
        CHECK(dd_apply(&job) == DD_OK, "status");
        matrix want = expected(&r, c + size);
        if (i / 2 % 2) both[0].c = out, both[0].c.v = (char *)kept;
        if (i / 2 % 2) both[0].c.t = (char *)(kept + size);
        both[1].c = none;
        job.entries = &r;
        for (int threads = 1; threads <= 3; threads++) {
            dd_set_threads(threads);
            give_room(&r);
            CHECK(dd_apply_rows(&job) == DD_OK, "status");
            ptrdiff_t bad = differences(&r, &want);
            CHECK(!bad, "case %d, %d threads: %ld differences", i, threads, (long)bad);
            take_room(&r);
        }
        for (long fail = 1; size == 5000 && fail < 4; fail++) {
            give_room(&r);
            test_allocations = 0, test_fail_at = fail;
            CHECK(dd_apply_rows(&job) == DD_NOMEM, "allocation %ld failed", fail);
            CHECK(r.used == BASE, "nothing counts");
            test_fail_at = 0;
            take_room(&r);
        }
        free_matrix(want);
        free(a), free(seeds);
    }
    dd_table_free(A);
}

void test_rows(void) {
    check_lanes();
    check_jobs();
    dd_set_threads(1);
}
