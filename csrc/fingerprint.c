/* A number that tells whether memory has changed, at the speed of reading it.
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
    size_t bytes;
    uint64_t *out;
} memory;

static int range(void *arg, ptrdiff_t first, ptrdiff_t last) {
    const memory *m = arg;
    for (ptrdiff_t b = first; b < last; b++) {
        size_t at = (size_t)b * BLOCK, rest = m->bytes - at;
        m->out[b] = block(m->data + at, rest < BLOCK ? rest : BLOCK);
    }
    return DD_OK;
}

int dd_fingerprint(const void *data, size_t bytes, uint64_t *out) {
    ptrdiff_t blocks = (ptrdiff_t)((bytes + BLOCK - 1) / BLOCK);
    memory m = {data, bytes, malloc(blocks * sizeof *m.out + 1)};
    if (!m.out) return DD_NOMEM;
    dd_parallel(range, &m, blocks, SHARED);
    *out = bytes;
    for (ptrdiff_t b = 0; b < blocks; b++) *out = mixed(*out, m.out[b]);
    free(m.out);
    return DD_OK;
}
