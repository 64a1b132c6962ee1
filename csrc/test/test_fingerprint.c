/* Numbers that tell whether memory has changed, and products made in the same pass. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

static uint64_t print(const void *data, size_t bytes) {
    uint64_t out = 0;
    int status = dd_fingerprint(data, bytes, 0, &out);
    CHECK(status == DD_OK, "status %d", status);
    return out;
}

static void swap(char *data, size_t a, size_t b, size_t size) {
    char t[512];
    memcpy(t, data + a, size);
    memcpy(data + a, data + b, size);
    memcpy(data + b, t, size);
}

/* Both products of a matrix, against sums in long double; and its number. */
static void product(ptrdiff_t rows, ptrdiff_t columns) {
    ptrdiff_t most = rows > columns ? rows : columns;
    double *a = malloc((rows * columns + 1) * sizeof *a), *g = malloc(most * sizeof *g);
    double *y = malloc(most * sizeof *y), *first = malloc(most * sizeof *first);
    uint64_t one = 0, two = 1;
    for (ptrdiff_t i = 0; i < rows * columns; i++) a[i] = test_uniform(-1, 1);
    for (ptrdiff_t i = 0; i < most; i++) g[i] = test_uniform(-1, 1);
    dd_fingerprint(a, rows * columns * sizeof *a, columns * sizeof *a, &one);
    for (int left = 0; left < 2; left++)
        for (int threads = 1; threads <= 3; threads++) {
            ptrdiff_t size = left ? columns : rows;
            dd_set_threads(threads);
            int status = dd_fingerprint_product(a, rows, columns, g, left, y, &two);
            CHECK(status == DD_OK && one == two, "%ld by %ld: its number", (long)rows,
                  (long)columns);
            if (threads > 1) {
                CHECK(!memcmp(y, first, size * sizeof *y), "bits of %d threads", threads);
                continue;
            }
            memcpy(first, y, size * sizeof *y);
            for (ptrdiff_t k = 0; k < size; k++) {
                long double sum = 0;
                if (left)
                    for (ptrdiff_t i = 0; i < rows; i++)
                        sum += (long double)g[i] * a[i * columns + k];
                else
                    for (ptrdiff_t j = 0; j < columns; j++)
                        sum += (long double)g[j] * a[k * columns + j];
                CHECK(fabsl(y[k] - sum) <= 1e-15L * (left ? rows : columns),
                      "%ld by %ld, left %d: element %ld", (long)rows, (long)columns, left, (long)k);
            }
        }
    dd_set_threads(1);
    free(a), free(g), free(y), free(first);
}

void test_fingerprint(void) {
    static const ptrdiff_t shapes[][2] = {{1, 1},     {7, 3},    {4, 1024}, {5000, 1},
                                          {999, 201}, {3, 1000}, {2501, 64}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) product(shapes[s][0], shapes[s][1]);
    enum { SIZE = 3000000 };
    char *data = malloc(SIZE);
    for (size_t i = 0; i < SIZE / 8; i++) ((double *)data)[i] = test_uniform(-1, 1);
    uint64_t whole = print(data, SIZE);
    for (int threads = 2; threads <= 4; threads++) {
        dd_set_threads(threads);
        CHECK(print(data, SIZE) == whole, "%d threads", threads);
    }
    for (size_t at = 0; at < SIZE; at += 99991) {
        data[at] ^= 1 << at % 8;
        CHECK(print(data, SIZE) != whole, "a bit of byte %zu", at);
        data[at] ^= 1 << at % 8;
    }
    static const size_t sizes[] = {8, 64, 512};
    for (size_t s = 0; s < 3; s++)
        for (size_t at = 0; at + 512 < SIZE; at += 262144 + 8) {
            size_t other = (at * 7 + 1024) / 8 * 8 % (SIZE - 512);
            swap(data, at, other, sizes[s]);
            CHECK(print(data, SIZE) != whole, "%zu bytes at %zu and %zu", sizes[s], at, other);
            swap(data, at, other, sizes[s]);
        }
    CHECK(print(data, SIZE) == whole, "restored");
    for (size_t bytes = 0; bytes < 200; bytes++) {
        uint64_t before = print(data, bytes);
        CHECK(print(data, bytes + 1) != before, "%zu bytes more by one", bytes);
        for (size_t at = 0; at < bytes; at++) {
            data[at] ^= 64;
            CHECK(print(data, bytes) != before, "byte %zu of %zu", at, bytes);
            data[at] ^= 64;
        }
    }
    memset(data, 0, 4096);
    for (size_t bytes = 1; bytes < 4096; bytes++)
        CHECK(print(data, bytes) != print(data, bytes + 1), "%zu zeros", bytes);
    dd_set_threads(1);
    free(data);
}
