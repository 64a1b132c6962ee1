/* Numbers that tell whether memory has changed. */
#include <stdlib.h>
#include <string.h>

#include "test.h"

static uint64_t print(const void *data, size_t bytes) {
    uint64_t out = 0;
    int status = dd_fingerprint(data, bytes, &out);
    CHECK(status == DD_OK, "status %d", status);
    return out;
}

static void swap(char *data, size_t a, size_t b, size_t size) {
    char t[512];
    memcpy(t, data + a, size);
    memcpy(data + a, data + b, size);
    memcpy(data + b, t, size);
}

void test_fingerprint(void) {
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
