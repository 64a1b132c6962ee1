/* Runs all tests of csrc/, or with an argument those of whole arrays alone; see run.sh. */
#include "test.h"

long test_checks, test_failures;

double test_uniform(double lo, double hi) {
    static uint64_t state = 20240229;
    state += 0x9E3779B97F4A7C15u; /* splitmix64 */
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return lo + (hi - lo) * ((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

dd_table *test_table(int32_t nf, const int32_t *n, const int32_t *order, int32_t nb,
                     const int64_t *mask, const int32_t *bound) {
    dd_table *t = NULL;
    int status = dd_table_new(&t, nf, n, order, nb, mask, bound);
    CHECK(status == DD_OK && t, "status %d", status);
    if (!t) exit(1);
    return t;
}

dd_table *test_shape(int i) {
    static const struct {
        int32_t nf, n[4], order[4], nb;
        int64_t mask[2];
        int32_t bound[2];
    } shapes[TEST_SHAPES] = {
        {1, {1}, {1}, 0, {0}, {0}},
        {1, {1}, {7}, 0, {0}, {0}},
        {1, {1}, {30}, 0, {0}, {0}},
        {1, {5}, {1}, 0, {0}, {0}},
        {1, {4}, {2}, 0, {0}, {0}},
        {1, {3}, {5}, 0, {0}, {0}},
        {2, {1, 1}, {1, 1}, 0, {0}, {0}},
        {2, {3, 2}, {1, 2}, 0, {0}, {0}},
        {3, {2, 1, 1}, {2, 3, 1}, 0, {0}, {0}},
        {4, {1, 1, 1, 1}, {1, 1, 1, 1}, 0, {0}, {0}},
        {2, {2, 3}, {3, 2}, 1, {3}, {3}},
        {3, {1, 2, 1}, {2, 2, 2}, 2, {3, 6}, {2, 3}},
    };
    return test_table(shapes[i].nf, shapes[i].n, shapes[i].order, shapes[i].nb, shapes[i].mask,
                      shapes[i].bound);
}

int main(int argc, char **argv) {
    (void)argv;
    test_apply();
    test_fingerprint();
    test_sum();
    test_rows();
    if (argc == 1) {
        test_plan();
        test_fuse();
        test_tables();
        test_kernels_f32();
        test_kernels_f64();
        test_kernels_ld();
    }
    printf("csrc: %ld checks, %ld failed\n", test_checks, test_failures);
    return test_failures != 0;
}
