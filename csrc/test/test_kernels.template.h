/* Checks of the kernels for one element type T, by identities between them.
 *
 * Numbers hold N elements, rows N + 3 apart, so that a kernel that mistakes one for the
 * other is found; N = 1 takes the kernels' own path for one element.
 */

typedef struct {
    const dd_table *A;
    ptrdiff_t n;
    T *data; /* M rows, the value first */
    dd_num num;
} FN(number);

#define NUMBER FN(number)

static NUMBER FN(new)(const dd_table *A, ptrdiff_t n) {
    ptrdiff_t s = n + 3;
    NUMBER x = {A, n, malloc(A->M * s * sizeof(T)), {0}};
    for (ptrdiff_t i = 0; i < A->M * s; i++) x.data[i] = -777; /* seen when it is read */
    x.num = (dd_num){x.data, x.data + s, s, NULL};
    return x;
}

static T *FN(at)(NUMBER x, int64_t k) { return x.data + k * x.num.s; }

/* Values in [lo, hi), coefficients that shrink with the degree. */
static NUMBER FN(random)(const dd_table *A, ptrdiff_t n, double lo, double hi) {
    NUMBER x = FN(new)(A, n);
    for (int64_t k = 0; k < A->M; k++)
        for (ptrdiff_t e = 0; e < n; e++)
            FN(at)(x, k)[e] =
                k ? ldexp(test_uniform(-1, 1), -3 * test_degree(A, k)) : test_uniform(lo, hi);
    return x;
}

static T FN(value)(int kernel, T a, T b, T p) {
    switch (kernel) {
    case DD_add:
        return a + b;
    case DD_sub:
        return a - b;
    case DD_pos:
        return a;
    case DD_neg:
        return -a;
    case DD_mul:
        return a * b;
    case DD_div:
        return a / b;
    case DD_power:
        return LIBM(pow)(a, p);
    case DD_sqrt:
        return LIBM(sqrt)(a);
    case DD_exp:
        return LIBM(exp)(a);
    case DD_log:
        return LIBM(log)(a);
    case DD_expm1:
        return LIBM(expm1)(a);
    case DD_log1p:
        return LIBM(log1p)(a);
    case DD_sin:
        return LIBM(sin)(a);
    case DD_cos:
        return LIBM(cos)(a);
    case DD_tan:
        return LIBM(tan)(a);
    case DD_sinh:
        return LIBM(sinh)(a);
    case DD_cosh:
        return LIBM(cosh)(a);
    case DD_tanh:
        return LIBM(tanh)(a);
    case DD_abs:
        return LIBM(fabs)(a);
    case DD_pick:
    case DD_maximum:
        return LIBM(fmax)(a, b);
    case DD_minimum:
        return LIBM(fmin)(a, b);
    }
    return 0;
}

/* Result of a kernel; b.data == NULL: no second operand.  Operands must stay as they are.
 * `choose` takes the larger one. */
static NUMBER FN(run)(int kernel, NUMBER a, NUMBER b, double p) {
    static const int aux_kernel[] = {[DD_COS] = DD_cos,   [DD_SIN] = DD_sin, [DD_COSH] = DD_cosh,
                                     [DD_SINH] = DD_sinh, [DD_EXP] = DD_exp, [DD_DECAY] = DD_exp};
    const dd_kernel_info *info = dd_kernels + kernel;
    const dd_table *A = a.A;
    ptrdiff_t n = a.n, bytes = A->M * a.num.s * sizeof(T);
    NUMBER c = FN(new)(A, n);
    T *work = malloc((dd_work_rows(A, kernel) * n + 1) * sizeof(T)), *before = malloc(bytes);
    char *mask = malloc(n + 1);
    memcpy(before, a.data, bytes);
    for (ptrdiff_t e = 0; e < n; e++) {
        mask[e] = b.data && a.data[e] > b.data[e];
        c.data[e] = FN(value)(kernel, a.data[e], b.data ? b.data[e] : 0, p);
        T x = info->aux == DD_DECAY ? -2 * LIBM(fabs)(a.data[e]) : a.data[e];
        if (info->aux) work[e] = FN(value)(aux_kernel[info->aux], x, 0, 0);
    }
    info->run[TYPE](A, n, &c.num, &a.num, b.data ? &b.num : NULL, p,
                    kernel == DD_choose ? (void *)mask : work, 1);
    CHECK(!memcmp(before, a.data, bytes), "%s changes its input", info->name);
    for (int64_t k = 0; k < A->M; k++)
        for (ptrdiff_t e = n; e < n + 3; e++)
            CHECK(FN(at)(c, k)[e] == -777, "%s writes past its row", info->name);
    free(work);
    free(mask);
    free(before);
    return c;
}

static const NUMBER FN(none) = {0};

static NUMBER FN(one)(int kernel, NUMBER a) { return FN(run)(kernel, a, FN(none), 0); }

/* x = y up to `ulps` roundings of their degree's size; frees both. */
static void FN(same)(const char *what, NUMBER x, NUMBER y, double ulps) {
    for (int32_t d = 0; d <= x.A->D; d++) {
        double size = ldexp(1, -d), worst = 0;
        for (int64_t k = x.A->head[d]; k < x.A->head[d + 1]; k++)
            for (ptrdiff_t e = 0; e < x.n; e++) {
                double gap = LIBM(fabs)(FN(at)(x, k)[e] - FN(at)(y, k)[e]);
                size = fmax(size, LIBM(fabs)(FN(at)(y, k)[e]));
                worst = gap > worst || gap != gap ? gap : worst;
            }
        CHECK(worst <= ulps * EPS * size, "%s: degree %d of %d, M = %ld, n = %ld: off by %g ulp",
              what, d, x.A->D, (long)x.A->M, (long)x.n, (double)(worst / (EPS * size)));
    }
    free(x.data);
    free(y.data);
}

static NUMBER FN(constant)(const dd_table *A, ptrdiff_t n, double v) {
    NUMBER x = FN(new)(A, n);
    for (int64_t k = 0; k < A->M; k++)
        for (ptrdiff_t e = 0; e < n; e++) FN(at)(x, k)[e] = k ? 0 : v;
    return x;
}

static NUMBER FN(copy)(NUMBER a) {
    NUMBER c = FN(new)(a.A, a.n);
    memcpy(c.data, a.data, a.A->M * a.num.s * sizeof(T));
    return c;
}

/* kernel(x, y), both of which are freed. */
static NUMBER FN(take)(int kernel, NUMBER x, NUMBER y) {
    NUMBER c = FN(run)(kernel, x, y, 0);
    if (y.data != x.data) free(y.data);
    free(x.data);
    return c;
}

static void FN(identities)(const dd_table *A, ptrdiff_t n) {
    NUMBER a = FN(random)(A, n, 0.5, 1.2), b = FN(random)(A, n, -2, -1);
    double ulps = 40. * (A->D + 1);
#define ONE(f, x) FN(one)(DD_##f, x)
#define TWO(f, x, y) FN(run)(DD_##f, x, y, 0)
#define POWER(x, p) FN(run)(DD_power, x, FN(none), p)
#define TAKE(f, x, y) FN(take)(DD_##f, x, y)
#define SQUARE(f, x) TAKE(mul, ONE(f, x), ONE(f, x))
#define SAME(x, y) FN(same)(#x " = " #y, x, y, ulps)
#define COPY(x) FN(copy)(x)
#define CONST(v) FN(constant)(A, n, v)
    /* sums and products */
    SAME(TAKE(sub, TWO(add, a, b), COPY(b)), COPY(a));
    SAME(ONE(pos, a), COPY(a));
    SAME(TAKE(neg, TWO(sub, a, b), FN(none)), TWO(sub, b, a));
    SAME(TWO(mul, a, b), TWO(mul, b, a));
    SAME(TAKE(mul, TWO(add, a, b), TWO(sub, a, b)), TAKE(sub, TWO(mul, a, a), TWO(mul, b, b)));
    SAME(TAKE(mul, TWO(div, a, b), COPY(b)), COPY(a));
    SAME(TWO(div, a, a), CONST(1));
    /* powers */
    SAME(POWER(a, 0), CONST(1));
    SAME(POWER(b, 1), COPY(b));
    SAME(POWER(b, 2), TWO(mul, b, b));
    SAME(POWER(b, 3), TAKE(mul, TWO(mul, b, b), COPY(b)));
    SAME(POWER(b, -1), TAKE(div, CONST(1), COPY(b)));
    SAME(POWER(a, 0.5), ONE(sqrt, a));
    SAME(TAKE(mul, POWER(a, 2.5), POWER(a, -1.5)), COPY(a));
    SAME(TAKE(mul, ONE(sqrt, a), ONE(sqrt, a)), COPY(a));
    /* exponential and logarithm */
    SAME(TAKE(exp, ONE(log, a), FN(none)), COPY(a));
    SAME(TAKE(log, ONE(exp, b), FN(none)), COPY(b));
    SAME(TAKE(mul, ONE(exp, a), ONE(exp, b)), TAKE(exp, TWO(add, a, b), FN(none)));
    SAME(TAKE(exp, TAKE(mul, ONE(log, a), CONST(1.7)), FN(none)), POWER(a, 1.7));
    SAME(TAKE(expm1, ONE(log1p, a), FN(none)), COPY(a));
    SAME(TAKE(add, ONE(expm1, b), CONST(1)), ONE(exp, b));
    SAME(ONE(log1p, a), TAKE(log, TAKE(add, COPY(a), CONST(1)), FN(none)));
    /* circular and hyperbolic */
    SAME(TAKE(add, SQUARE(sin, a), SQUARE(cos, a)), CONST(1));
    SAME(TAKE(mul, ONE(tan, a), ONE(cos, a)), ONE(sin, a));
    SAME(TAKE(sin, TWO(add, a, b), FN(none)),
         TAKE(add, TAKE(mul, ONE(sin, a), ONE(cos, b)), TAKE(mul, ONE(cos, a), ONE(sin, b))));
    SAME(TAKE(sub, SQUARE(cosh, a), SQUARE(sinh, a)), CONST(1));
    SAME(TAKE(add, ONE(cosh, b), ONE(sinh, b)), ONE(exp, b));
    SAME(TAKE(mul, ONE(tanh, a), ONE(cosh, a)), ONE(sinh, a));
    /* pieces: a > 0 > b */
    SAME(ONE(abs, a), COPY(a));
    SAME(ONE(abs, b), ONE(neg, b));
    SAME(TWO(pick, a, b), COPY(a));
    SAME(TWO(pick, b, a), COPY(a));
    SAME(TWO(pick, a, a), COPY(a));
    SAME(TWO(maximum, b, a), COPY(a));
    SAME(TWO(minimum, a, b), COPY(b));
    SAME(TWO(choose, a, b), COPY(a));
    SAME(TWO(choose, a, a), COPY(a));
    /* by the first derivative */
    SAME(TWO(chain, a, b), TWO(chain, a, b));
    {
        NUMBER h = ONE(cos, a), c = FN(run)(DD_chain, a, h, 0), s = ONE(sin, a);
        memcpy(c.data, s.data, n * sizeof(T)); /* chain is given its value */
        free(h.data);
        SAME(c, s);
    }
    free(a.data);
    free(b.data);
}
#undef POWER
#define POWER(x, p) FN(run)(DD_power, x, FN(none), p)

/* A constant operand (no terms) is a number whose terms are zero: the same bits. */
static void FN(constants)(const dd_table *A, ptrdiff_t n) {
    static const int two[] = {DD_add, DD_sub, DD_mul, DD_div, DD_pick, DD_minimum, DD_choose};
    for (int i = 0; i < 7; i++) {
        NUMBER a = FN(random)(A, n, 1, 2), b = FN(constant)(A, n, 1.25), plain = b;
        plain.num.t = NULL;
        FN(same)("constant on the right", FN(run)(two[i], a, plain, 0), FN(run)(two[i], a, b, 0),
                 0);
        FN(same)("constant on the left", FN(run)(two[i], plain, a, 0), FN(run)(two[i], b, a, 0), 0);
        free(a.data);
        free(b.data);
    }
    NUMBER a = FN(random)(A, n, 1, 2), b = FN(constant)(A, n, 1.25), plain = b;
    plain.num.t = NULL;
    FN(same)("constant derivative", FN(run)(DD_chain, a, plain, 0), FN(run)(DD_chain, a, b, 0), 0);
    free(a.data);
    free(b.data);
}

/* Integer powers at 0 and of negative values are products, to the bit. */
static void FN(powers)(ptrdiff_t n) {
    for (int i = 0; i < TEST_SHAPES; i++) {
        dd_table *A = test_shape(i);
        for (int where = -1; where <= 0; where++) {
            NUMBER a = FN(random)(A, n, where, where), power = FN(constant)(A, n, 1);
            for (int p = 0; p < 6; p++) {
                FN(same)("power", FN(run)(DD_power, a, FN(none), p), FN(copy)(power),
                         p < 3 ? 4 : 40. * (A->D + 1));
                power = FN(take)(DD_mul, power, FN(copy)(a));
            }
            free(a.data);
            free(power.data);
        }
        dd_table_free(A);
    }
}

static int FN(is)(T x, T y) { return x == y || (x != x && y != y); }

/* Exactly zero coefficients against infinite and NaN factors; over two seeds of order 1
 * and 2, where seed 0 moves the operand and seed 1 does not. */
static void FN(strong_zero)(ptrdiff_t n) {
    for (int32_t order = 1; order <= 2; order++) {
        int32_t seeds = 2;
        dd_table *A = test_table(1, &seeds, &order, 0, NULL, NULL);
        NUMBER a = FN(constant)(A, n, 0), b = FN(constant)(A, n, INFINITY);
        for (ptrdiff_t e = 0; e < n; e++) FN(at)(a, 1)[e] = 1, FN(at)(b, 2)[e] = 1;
        NUMBER none = FN(none);
        struct {
            const char *what;
            NUMBER c;
            T first, second; /* what the coefficients of the two seeds must be */
        } cases[] = {
            {"sqrt at 0", FN(run)(DD_sqrt, a, none, 0), INFINITY, 0},
            {"log at 0", FN(run)(DD_log, a, none, 0), INFINITY, 0},
            {"expm1 at inf", FN(run)(DD_expm1, b, none, 0), 0, INFINITY},
            {"power at 0", FN(run)(DD_power, a, none, 0.5), INFINITY, 0},
            {"power -1 at 0", FN(run)(DD_power, a, none, -1), -INFINITY, 0},
            {"exp at inf", FN(run)(DD_exp, b, none, 0), 0, INFINITY},
            {"sin at inf", FN(run)(DD_sin, b, none, 0), 0, NAN},
            {"cos at inf", FN(run)(DD_cos, b, none, 0), 0, NAN},
            {"sinh at inf", FN(run)(DD_sinh, b, none, 0), 0, INFINITY},
            {"inf + inf", FN(run)(DD_add, b, b, 0), 0, 2},
            {"0 * inf", FN(run)(DD_mul, a, b, 0), INFINITY, 0},
            {"inf * inf", FN(run)(DD_mul, b, b, 0), 0, INFINITY},
            {"0 / inf", FN(run)(DD_div, a, b, 0), 0, 0},
            {"inf slope", FN(run)(DD_chain, a, b, 0), INFINITY, 0},
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            for (ptrdiff_t e = 0; e < n; e++) {
                T first = FN(at)(cases[i].c, 1)[e], second = FN(at)(cases[i].c, 2)[e];
                CHECK(FN(is)(first, cases[i].first), "%s: %g", cases[i].what, (double)first);
                CHECK(FN(is)(second, cases[i].second), "%s: unseeded %g", cases[i].what,
                      (double)second);
            }
            free(cases[i].c.data);
        }
        free(a.data);
        free(b.data);
        dd_table_free(A);
    }
}

/* l l^T = a, pair by pair of monomials; the seeds of l are random, those of a are made. */
static void FN(factor)(const dd_table *A, ptrdiff_t n) {
    ptrdiff_t one = n * n, M = A->M, batch = 2;
    T *l = calloc(M * batch * one, sizeof(T)), *a = calloc(M * batch * one, sizeof(T));
    for (int64_t k = 0; k < M; k++)
        for (ptrdiff_t q = 0; q < batch * one; q++) {
            ptrdiff_t i = q % one / n, j = q % n;
            l[k * batch * one + q] = i < j    ? 0
                                     : k == 0 ? (i == j ? 1.5 : test_uniform(-1, 1) / n)
                                              : ldexp(test_uniform(-1, 1), -test_degree(A, k)) / n;
        }
    for (int64_t k = 0; k < M; k++)
        for (ptrdiff_t q = 0; q < batch * one; q++) {
            T *x = a + k * batch * one + q;
            ptrdiff_t at = q / one * one, i = q % one / n, j = q % n;
            if (j > i) *x = NAN;
            for (ptrdiff_t m = 0; m <= j && j <= i; m++) {
#define L(k, i) l[(k) * batch * one + at + (i) * n + m]
                *x += L(0, i) * L(k, j) + (k ? L(k, i) * L(0, j) : 0);
                for (int64_t s = A->D > 1 ? A->start[k] : 0; A->D > 1 && s < A->start[k + 1]; s++)
                    *x += L(A->pi[s], i) * L(A->pj[s], j);
            }
#undef L
        }
    test_allocations = 0, test_fail_at = 1;
    CHECK(dd_cholesky(A, TYPE, batch, n, l, a + batch * one) == DD_NOMEM, "no memory");
    test_fail_at = 0;
    CHECK(dd_cholesky(A, TYPE, batch, n, l, a + batch * one) == DD_OK, "status");
    double worst = 0;
    for (ptrdiff_t q = batch * one; q < M * batch * one; q++) {
        double gap = LIBM(fabs)(a[q] - l[q]);
        worst = gap > worst || gap != gap ? gap : worst;
    }
    CHECK(worst <= 60 * (A->D + 1) * EPS, "cholesky, n = %ld, M = %ld: off by %g eps", (long)n,
          (long)M, (double)(worst / EPS));
    free(l);
    free(a);
}

void FN(test_kernels)(void) {
    static const ptrdiff_t sizes[] = {1, 2, 9};
    for (int i = 0; i < TEST_SHAPES; i++) {
        dd_table *A = test_shape(i);
        for (int s = 0; s < 3; s++) {
            FN(identities)(A, sizes[s]);
            FN(constants)(A, sizes[s]);
            if (TYPE == DD_LD) continue;
            FN(factor)(A, sizes[s]);
            FN(factor)(A, 8 * sizes[s]);
        }
        dd_table_free(A);
    }
    for (int s = 0; s < 3; s++) {
        FN(powers)(sizes[s]);
        FN(strong_zero)(sizes[s]);
    }
}

#undef ONE
#undef TWO
#undef POWER
#undef TAKE
#undef SQUARE
#undef SAME
#undef COPY
#undef CONST
#undef NUMBER
#undef T
#undef SUFFIX
#undef TYPE
#undef EPS
#undef LIBM
