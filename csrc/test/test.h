/* What the test programs of csrc/ share: checks, random numbers, tables, failing memory.
 *
 * Every check is an identity or an independent count; none repeats the library's formula.
 */
#ifndef DD_TEST_H
#define DD_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dualdiff.h"

extern long test_checks, test_failures;

#define CHECK(condition, ...)                                               \
    do {                                                                    \
        test_checks++;                                                      \
        if (!(condition)) {                                                 \
            test_failures++;                                                \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition); \
            fprintf(stderr, __VA_ARGS__);                                   \
            fputc('\n', stderr);                                            \
        }                                                                   \
    } while (0)

/* The library's allocations go through these (run.sh renames malloc and calloc for it):
 * the one numbered test_fail_at, counted from 1, fails; 0: none. */
extern long test_fail_at, test_allocations;

/* Uniform in [lo, hi); the same sequence in every run. */
double test_uniform(double lo, double hi);

/* A table that must come out; shape number i of a list that covers one factor, several,
 * bounds, high order, many seeds. */
dd_table *test_table(int32_t nf, const int32_t *n, const int32_t *order, int32_t nb,
                     const int64_t *mask, const int32_t *bound);
enum { TEST_SHAPES = 12 };
dd_table *test_shape(int i);

/* Degree of a monomial; one factor of order 1 lists none. */
static inline int32_t test_degree(const dd_table *t, int64_t k) {
    return t->deg ? t->deg[k] : k > 0;
}

void test_tables(void);
void test_kernels_f32(void);
void test_kernels_f64(void);
void test_kernels_ld(void);
void test_apply(void);
void test_plan(void);
void test_fuse(void);
void test_fingerprint(void);
void test_sum(void);
void test_rows(void);

#endif
