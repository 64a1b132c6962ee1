/* Allocators that fail on demand; the library is built with malloc renamed to test_malloc. */
#undef malloc
#undef calloc
#include "test.h"

long test_fail_at, test_allocations;

void *test_malloc(size_t size);
void *test_calloc(size_t count, size_t size);

static int fails(void) {
    return __atomic_add_fetch(&test_allocations, 1, __ATOMIC_RELAXED) == test_fail_at;
}

void *test_malloc(size_t size) { return fails() ? NULL : malloc(size); }

void *test_calloc(size_t count, size_t size) { return fails() ? NULL : calloc(count, size); }
