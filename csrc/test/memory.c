/* Allocators that fail on demand; the library is built with malloc renamed to test_malloc. */
#undef malloc
#undef calloc
#include "test.h"

long test_fail_at, test_allocations;

void *test_malloc(size_t size);
void *test_calloc(size_t count, size_t size);

void *test_malloc(size_t size) { return ++test_allocations == test_fail_at ? NULL : malloc(size); }

void *test_calloc(size_t count, size_t size) {
    return ++test_allocations == test_fail_at ? NULL : calloc(count, size);
}
