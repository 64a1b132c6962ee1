/* A number that tells whether memory has changed, at the speed of reading it; and the product
 * of a matrix with a vector in the same pass.
 *
 * Each word of a stripe meets a key of its own, so that words that change places count; halves
 * of what comes out are multiplied and added up.  Not for adversaries: one change in 2^32 or
 * fewer goes unseen.
 */
#include <stdlib.h>
#include <string.h>

#include "dualdiff.h"
#include "types.h"

enum {
    WORDS = 8,          /* of a stripe */
    BLOCK = 128 * 1024, /* bytes that have a number of their own */
    SHARED = 8          /* blocks that a thread takes at a time */
};

static const uint64_t odd = 0x9e3779b97f4a7c15, odd2 = 0xc2b2ae3d27d4eb4f;

static uint64_t mixed(uint64_t h, uint64_t x) {
    h = (h ^ x) * odd2;
    return h ^ (h >> 29);
}

/* Whole stripes. */
DD_CLONES static uint64_t stripes(const char *data, size_t count) {
    uint64_t key[WORDS], total[WORDS] = {0}, product[WORDS] = {0}, h = count;
    for (int j = 0; j < WORDS; j++) key[j] = odd2 * (2 * (uint64_t)j + 1);
    for (size_t i = 0; i < count; i++, data += WORDS * 8) {
        uint64_t x[WORDS];
        memcpy(x, data, sizeof x);
        for (int j = 0; j < WORDS; j++) {
            x[j] ^= key[j];
            product[j] += (x[j] & 0xffffffff) * (x[j] >> 32);
            total[j] += x[j];
            key[j] += odd;
        }
    }
    for (int j = 0; j < WORDS; j++) h = mixed(mixed(h, product[j]), total[j]);
    return h;
}

static uint64_t block(const char *data, size_t bytes) {
    size_t whole = bytes / (WORDS * 8), rest = bytes % (WORDS * 8);
    uint64_t h = stripes(data, whole);
    if (rest) {
        char last[WORDS * 8] = {0};
        memcpy(last, data + whole * WORDS * 8, rest);
        h = mixed(h, stripes(last, 1));
    }
    return mixed(h, bytes);
}

typedef struct {
    const char *data;
    size_t bytes, block; /* of all; of what has a number of its own */
    uint64_t *out;
    /* For a product: the matrix has rows of this many elements, a block whole rows. */
    ptrdiff_t columns;
    const double *g;
    double *product;
    int left;
} memory;

/* out += the sum over rows of g[i] a[i]. */
DD_CLONES static void add_rows(ptrdiff_t rows, ptrdiff_t columns, const double *a, const double *g,
                               double *restrict out) {
    ptrdiff_t i = 0;
    for (; i + 4 <= rows; i += 4, a += 4 * columns) {
        const double *b = a + columns, *c = b + columns, *d = c + columns;
        for (ptrdiff_t j = 0; j < columns; j++)
            out[j] += g[i] * a[j] + g[i + 1] * b[j] + (g[i + 2] * c[j] + g[i + 3] * d[j]);
    }
    for (; i < rows; i++, a += columns)
        for (ptrdiff_t j = 0; j < columns; j++) out[j] += g[i] * a[j];
}

/* out[i] = the sum over the elements of row i times those of g. */
DD_CLONES static void dot_rows(ptrdiff_t rows, ptrdiff_t columns, const double *a, const double *g,
                               double *out) {
    for (ptrdiff_t i = 0; i < rows; i++, a += columns) {
        double total[WORDS] = {0}, sum = 0;
        ptrdiff_t j = 0;
        for (; j + WORDS <= columns; j += WORDS)
            for (int w = 0; w < WORDS; w++) total[w] += a[j + w] * g[j + w];
        for (; j < columns; j++) sum += a[j] * g[j];
        for (int w = 0; w < WORDS; w++) sum += total[w];
        out[i] = sum;
    }
}

static int range(void *arg, ptrdiff_t first, ptrdiff_t last) {
    const memory *m = arg;
    for (ptrdiff_t b = first; b < last; b++) {
        size_t at = (size_t)b * m->block, rest = m->bytes - at;
        if (rest > m->block) rest = m->block;
        m->out[b] = block(m->data + at, rest);
        if (!m->product) continue;
        const double *a = (const double *)(m->data + at);
        ptrdiff_t row = at / sizeof *a / m->columns, rows = rest / sizeof *a / m->columns;
        if (m->left) add_rows(rows, m->columns, a, m->g + row, m->product + b * m->columns);
        else dot_rows(rows, m->columns, a, m->g, m->product + row);
    }
    return DD_OK;
}

/* The number of bytes of a block: whole rows where one fits. */
static size_t block_of(size_t row) { return row && row <= BLOCK ? BLOCK / row * row : BLOCK; }

static ptrdiff_t blocks_of(const memory *m) { return (m->bytes + m->block - 1) / m->block; }

static int run(memory *m, uint64_t *out) {
    ptrdiff_t blocks = blocks_of(m);
    m->out = malloc(blocks * sizeof *m->out + 1);
    if (!m->out) return DD_NOMEM;
    dd_parallel(range, m, blocks, SHARED);
    *out = m->bytes;
    for (ptrdiff_t b = 0; b < blocks; b++) *out = mixed(*out, m->out[b]);
    free(m->out);
    return DD_OK;
}

int dd_fingerprint(const void *data, size_t bytes, size_t row, uint64_t *out) {
    memory m = {.data = data, .bytes = bytes, .block = block_of(row)};
    return run(&m, out);
}

int dd_fingerprint_product(const double *a, ptrdiff_t rows, ptrdiff_t columns, const double *g,
                           int left, double *product, uint64_t *out) {
    size_t row = columns * sizeof *a;
    memory m = {.data = (const char *)a,
                .bytes = rows * row,
                .block = block_of(row),
                .columns = columns,
                .g = g,
                .product = product,
                .left = left};
    if (!left) return run(&m, out);
    ptrdiff_t blocks = blocks_of(&m);
    m.product = calloc(blocks * columns + 1, sizeof *product);
    if (!m.product) return DD_NOMEM;
    int status = run(&m, out);
    memset(product, 0, row);
    for (ptrdiff_t b = 0; b < blocks; b++)
        for (ptrdiff_t j = 0; j < columns; j++) product[j] += m.product[b * columns + j];
    free(m.product);
    return status;
}
