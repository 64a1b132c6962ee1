/* Kernels for one element type; included once for each T.
 *
 * Every recurrence is Euler's: with E the operator that multiplies the part of
 * degree d by d, c = f(a) gives E c = f'(a) E a, read degree by degree.
 *
 * Strong zero: an exactly zero coefficient times an infinite or NaN factor is 0.
 * Plain arithmetic turns such a product into NaN, and NaN stays NaN in sums, so
 * a kernel runs in plain arithmetic first and, only if it is to look for NaN and one
 * comes out, again with `safe` set.
 */

DD_INLINE T FN(times)(int safe, T a, T b) {
    T c = a * b;
    return safe && c != c && (a == 0 || b == 0) ? (T)0 : c;
}

DD_INLINE T FN(over)(int safe, T a, T b) {
    T c = a / b;
    return safe && c != c && a == 0 ? (T)0 : c;
}

DD_INLINE T *FN(row)(const dd_num *x, ptrdiff_t i) {
    return i ? (T *)x->t + (i - 1) * x->s : (T *)x->v;
}

/* What the terms of x are still to be multiplied by. */
DD_INLINE T FN(factor)(const dd_num *x) { return x->f ? *(const T *)x->f : 1; }

static int FN(any_nan)(const dd_table *A, ptrdiff_t n, const dd_num *c) {
    for (ptrdiff_t k = 1; k < A->M; k++) {
        const T *ck = FN(row)(c, k);
        int bad = 0;
        for (ptrdiff_t e = 0; e < n; e++) bad |= ck[e] != ck[e];
        if (bad) return 1;
    }
    return 0;
}

#define ROW(x, i) FN(row)(x, i)
#define FACTOR(x) FN(factor)(x)
#define TIMES(a, b) FN(times)(safe, a, b)
#define OVER(a, b) FN(over)(safe, a, b)
#define EACH for (ptrdiff_t e = 0; e < n; e++)
#define MONOMIALS for (ptrdiff_t k = 1; k < A->M; k++)
#define DEGREE(k) (A->D == 1 ? 1 : A->deg[k])
#define PAIRS     \
    if (A->D > 1) \
        for (int64_t q = A->start[k]; q < A->start[k + 1]; q++)
#define ARGS                                                                                     \
    const dd_table *A, ptrdiff_t n, const dd_num *c, const dd_num *a, const dd_num *b, double p, \
        void *w
#define BODY(name) DD_INLINE void FN(name##_body)(int safe, ARGS)
/* The body for one element and for many, plain and safe. */
#define KERNEL(name)                                         \
    DD_CLONES static int FN(name)(ARGS, int checked) {       \
        if (n == 1) {                                        \
            FN(name##_body)(0, A, 1, c, a, b, p, w);         \
            if (!checked || !FN(any_nan)(A, 1, c)) return 0; \
            FN(name##_body)(1, A, 1, c, a, b, p, w);         \
        } else {                                             \
            FN(name##_body)(0, A, n, c, a, b, p, w);         \
            if (!checked || !FN(any_nan)(A, n, c)) return 0; \
            FN(name##_body)(1, A, n, c, a, b, p, w);         \
        }                                                    \
        return 1;                                            \
    }

/* (1/d) sum of deg(i) x_i h_j over the listed pairs of k; r is the result. */
DD_INLINE void FN(euler)(int safe, const dd_table *A, ptrdiff_t n, ptrdiff_t k, T *restrict r,
                         const dd_num *x, const dd_num *h) {
    EACH r[e] = 0;
    if (A->D == 1 || A->start[k] == A->start[k + 1]) return;
    PAIRS {
        const T *xi = ROW(x, A->pi[q]), *hj = ROW(h, A->pj[q]);
        T di = A->deg[A->pi[q]];
        EACH r[e] += di * TIMES(xi[e], hj[e]);
    }
    T d = A->deg[k];
    EACH r[e] /= d;
}

/* c_k = x_k h_0 + (1/d) sum deg(i) x_i h_j: E c = h E x. */
DD_INLINE void FN(euler_full)(int safe, const dd_table *A, ptrdiff_t n, ptrdiff_t k, T *restrict r,
                              const dd_num *x, const dd_num *h) {
    const T *xk = ROW(x, k), *h0 = ROW(h, 0), f = FACTOR(x);
    if (DEGREE(k) == 1) {
        EACH r[e] = TIMES(f * xk[e], h0[e]);
        return;
    }
    FN(euler)(safe, A, n, k, r, x, h);
    EACH r[e] += TIMES(xk[e], h0[e]);
}

/* Part of the square of x that its listed pairs and (0, k), (k, 0) make. */
DD_INLINE void FN(square_row)(int safe, const dd_table *A, ptrdiff_t n, ptrdiff_t k, T *restrict r,
                              const dd_num *x) {
    const T *x0 = ROW(x, 0), *xk = ROW(x, k);
    EACH r[e] = 2 * TIMES(x0[e], xk[e]);
    PAIRS {
        const T *xi = ROW(x, A->pi[q]), *xj = ROW(x, A->pj[q]);
        EACH r[e] += TIMES(xi[e], xj[e]);
    }
}

/* Sums and products ---------------------------------------------------- */

BODY(add) {
    const T fa = FACTOR(a), fb = FACTOR(b);
    MONOMIALS {
        T *restrict ck = ROW(c, k);
        if (!a->t || !b->t) {
            const T *xk = a->t ? ROW(a, k) : ROW(b, k), f = a->t ? fa : fb;
            EACH ck[e] = f * xk[e];
        } else {
            const T *ak = ROW(a, k), *bk = ROW(b, k);
            EACH ck[e] = fa * ak[e] + fb * bk[e];
        }
    }
}

BODY(sub) {
    const T fa = FACTOR(a), fb = FACTOR(b);
    MONOMIALS {
        T *restrict ck = ROW(c, k);
        if (!b->t) {
            const T *ak = ROW(a, k);
            EACH ck[e] = fa * ak[e];
        } else if (!a->t) {
            const T *bk = ROW(b, k);
            EACH ck[e] = -(fb * bk[e]);
        } else {
            const T *ak = ROW(a, k), *bk = ROW(b, k);
            EACH ck[e] = fa * ak[e] - fb * bk[e];
        }
    }
}

BODY(pos) {
    const T f = FACTOR(a);
    MONOMIALS {
        T *restrict ck = ROW(c, k);
        const T *ak = ROW(a, k);
        EACH ck[e] = f * ak[e];
    }
}

BODY(neg) {
    const T f = FACTOR(a);
    MONOMIALS {
        T *restrict ck = ROW(c, k);
        const T *ak = ROW(a, k);
        EACH ck[e] = -(f * ak[e]);
    }
}

/* c_k = sum of a_i b_j. */
BODY(mul) {
    const T *a0 = ROW(a, 0), *b0 = ROW(b, 0), fa = FACTOR(a), fb = FACTOR(b);
    MONOMIALS {
        T *restrict ck = ROW(c, k);
        if (!b->t || !a->t) { /* xk y0, y a constant */
            const T *xk = b->t ? ROW(b, k) : ROW(a, k), *y0 = b->t ? a0 : b0;
            const T f = b->t ? fb : fa, y = *y0;
            if (b->t ? a->s : b->s) EACH ck[e] = TIMES(f * xk[e], y0[e]);
            else EACH ck[e] = TIMES(f * xk[e], y);
        } else {
            const T *ak = ROW(a, k), *bk = ROW(b, k);
            EACH ck[e] = TIMES(a0[e], fb * bk[e]) + TIMES(fa * ak[e], b0[e]);
            PAIRS {
                const T *ai = ROW(a, A->pi[q]), *bj = ROW(b, A->pj[q]);
                EACH ck[e] += TIMES(ai[e], bj[e]);
            }
        }
    }
}

/* b c = a: c_k = (a_k - b_k c_0 - sum b_i c_j) / b_0. */
BODY(div) {
    const T *b0 = ROW(b, 0), *c0 = ROW(c, 0), fa = FACTOR(a), fb = FACTOR(b);
    MONOMIALS {
        T *restrict ck = ROW(c, k);
        if (!b->t) {
            const T *ak = ROW(a, k), y = *b0;
            if (b->s) EACH ck[e] = OVER(fa * ak[e], b0[e]);
            else EACH ck[e] = OVER(fa * ak[e], y);
            continue;
        }
        const T *bk = ROW(b, k);
        if (a->t) {
            const T *ak = ROW(a, k);
            EACH ck[e] = fa * ak[e] - TIMES(fb * bk[e], c0[e]);
        } else {
            EACH ck[e] = -TIMES(fb * bk[e], c0[e]);
        }
        PAIRS {
            const T *bi = ROW(b, A->pi[q]), *cj = ROW(c, A->pj[q]);
            EACH ck[e] -= TIMES(bi[e], cj[e]);
        }
        EACH ck[e] = OVER(ck[e], b0[e]);
    }
}

/* Powers ---------------------------------------------------------------- */

DD_INLINE void FN(power_row)(ptrdiff_t n, T *restrict r, const T *x, T p) {
    if (p == 0) EACH r[e] = 1;
    else if (p == 1) EACH r[e] = x[e];
    else if (p == 2) EACH r[e] = x[e] * x[e];
    else if (p == 3) EACH r[e] = x[e] * x[e] * x[e];
    else if (p == -1) EACH r[e] = 1 / x[e];
    else if (p == -2) EACH r[e] = 1 / x[e] / x[e];
    else if (p == (T)0.5) EACH r[e] = SQRT(x[e]);
    else EACH r[e] = POW(x[e], p);
}

/* E x^p = p x^(p-1) E x, from the innermost derivative that is wanted outwards;
 * each derivative has its own power of the value, so nothing is divided by the
 * value, and integer powers are exact at 0.  The rows of c hold the terms of
 * x^(p-j), the work row its value. */
BODY(power) {
    const T *a0 = ROW(a, 0);
    T *z0 = w;
    dd_num z = {w, c->t, c->s, NULL};
    int D = A->D;
    if (D == 1 && p != 0) {
        T factor = (T)p, f = FACTOR(a);
        if (p != 2) FN(power_row)(n, z0, a0, (T)(p - 1)), a0 = z0;
        MONOMIALS {
            T *restrict ck = ROW(c, k);
            const T *ak = ROW(a, k);
            EACH ck[e] = TIMES(factor, TIMES(f * ak[e], a0[e]));
        }
        return;
    }
    if (p >= 0 && p <= D && p == (int)p) D = (int)p; /* x^(p-D) is 1 from here on */
    FN(power_row)(n, z0, a0, (T)(p - D));
    MONOMIALS {
        T *ck = ROW(c, k);
        EACH ck[e] = 0;
    }
    for (int j = D - 1; j >= 0; j--) {
        T factor = (T)(p - j);
        /* Highest degrees first: row k reads only rows of lower degree. */
        for (ptrdiff_t k = A->head[A->D - j + 1] - 1; k >= 1; k--) {
            T *ck = ROW(c, k);
            FN(euler_full)(safe, A, n, k, ck, a, &z);
            EACH ck[e] = TIMES(factor, ck[e]);
        }
        if (j) FN(power_row)(n, z0, a0, (T)(p - j));
    }
}

/* c c = a: c_k = (a_k - sum c_i c_j) / (2 c_0). */
BODY(sqrt) {
    const T *c0 = ROW(c, 0), f = FACTOR(a);
    MONOMIALS {
        T *restrict ck = ROW(c, k);
        const T *ak = ROW(a, k);
        EACH ck[e] = f * ak[e];
        PAIRS {
            const T *ci = ROW(c, A->pi[q]), *cj = ROW(c, A->pj[q]);
            EACH ck[e] -= TIMES(ci[e], cj[e]);
        }
        EACH ck[e] = OVER(ck[e], 2 * c0[e]);
    }
}

/* Exponential and logarithm --------------------------------------------- */

/* E c = c E a. */
BODY(exp) { MONOMIALS FN(euler_full)(safe, A, n, k, ROW(c, k), a, c); }

/* a E c = E a: c_k = (a_k - (1/d) sum deg(j) a_i c_j) / a_0. */
BODY(log) {
    const T *a0 = ROW(a, 0), f = FACTOR(a);
    MONOMIALS {
        T *restrict ck = ROW(c, k);
        const T *ak = ROW(a, k);
        if (DEGREE(k) == 1) {
            EACH ck[e] = OVER(f * ak[e], a0[e]);
            continue;
        }
        FN(euler)(safe, A, n, k, ck, c, a);
        EACH ck[e] = OVER(ak[e] - ck[e], a0[e]);
    }
}

/* The terms of exp(a), whose value is in the work row. */
BODY(expm1) {
    dd_num h = {w, c->t, c->s, NULL};
    MONOMIALS FN(euler_full)(safe, A, n, k, ROW(c, k), a, &h);
}

/* The terms of log(1 + a). */
BODY(log1p) {
    const T *a0 = ROW(a, 0);
    T *one_a = w;
    EACH one_a[e] = 1 + a0[e];
    dd_num x = {w, a->t, a->s, a->f};
    FN(log_body)(safe, A, n, c, &x, b, p, w);
}

/* Circular and hyperbolic functions, each with its partner -------------- */

/* E c = h E a, E h = sign c E a; the value of h is in the work rows. */
DD_INLINE void FN(pair)(int safe, T sign, T sign_c, ARGS) {
    dd_num h = {w, (T *)w + n, n, NULL};
    MONOMIALS {
        T *ck = ROW(c, k);
        FN(euler_full)(safe, A, n, k, ck, a, &h);
        if (sign_c < 0) EACH ck[e] = -ck[e];
        if (DEGREE(k) == A->D) continue; /* nothing reads the partner's last degree */
        T *hk = ROW(&h, k);
        FN(euler_full)(safe, A, n, k, hk, a, c);
        if (sign < 0) EACH hk[e] = -hk[e];
    }
}

BODY(sin) { FN(pair)(safe, -1, 1, A, n, c, a, b, p, w); }
BODY(cos) { FN(pair)(safe, 1, -1, A, n, c, a, b, p, w); }
BODY(sinh) { FN(pair)(safe, 1, 1, A, n, c, a, b, p, w); }
BODY(cosh) { FN(pair)(safe, 1, 1, A, n, c, a, b, p, w); }

/* E c = h E a with h = h_0 + sign (c c)_k. */
DD_INLINE void FN(tangent)(int safe, T sign, ARGS) {
    dd_num h = {w, (T *)w + n, n, NULL};
    MONOMIALS {
        FN(euler_full)(safe, A, n, k, ROW(c, k), a, &h);
        if (DEGREE(k) == A->D) continue;
        T *hk = ROW(&h, k);
        FN(square_row)(safe, A, n, k, hk, c);
        if (sign < 0) EACH hk[e] = -hk[e];
    }
}

/* h = 1 + tan^2. */
BODY(tan) {
    const T *c0 = ROW(c, 0);
    T *h0 = w;
    EACH h0[e] = 1 + c0[e] * c0[e];
    FN(tangent)(safe, 1, A, n, c, a, b, p, w);
}

/* h = 1/cosh^2 = 4 q / (1 + q)^2 with q = exp(-2 |a|): it keeps its digits where 1 - tanh^2
 * has none. */
DD_INLINE T FN(one_over_cosh2)(T q) {
    T r = 1 + q;
    return 4 * q / (r * r);
}
BODY(tanh) { FN(tangent)(safe, -1, A, n, c, a, b, p, w); }

/* Pieces of operands ----------------------------------------------------- */

/* c_k = sign(a_0) a_k; the sign of 0 is 0. */
BODY(abs) {
    const T *a0 = ROW(a, 0);
    MONOMIALS {
        T *restrict ck = ROW(c, k);
        const T *ak = ROW(a, k);
        EACH {
            T sign = a0[e] > 0 ? 1 : a0[e] < 0 ? -1 : a0[e];
            ck[e] = TIMES(sign, ak[e]);
        }
    }
}

/* r += x where c is a, half of it where c is b as well. */
DD_INLINE void FN(share)(ptrdiff_t n, T *restrict r, const T *x, const T *a, const T *b,
                         const T *c) {
    EACH {
        int nan = c[e] != c[e];
        int from_a = (a[e] == c[e]) | (nan & (a[e] != a[e]));
        int from_b = (b[e] == c[e]) | (nan & (b[e] != b[e]));
        r[e] += from_a ? (from_b ? x[e] / 2 : x[e]) : 0;
    }
}

/* c_k = a_k where c_0 is a_0, b_k where it is b_0, half of each where it is both. */
BODY(pick) {
    const T *a0 = ROW(a, 0), *b0 = ROW(b, 0), *c0 = ROW(c, 0);
    MONOMIALS {
        T *ck = ROW(c, k);
        EACH ck[e] = 0;
        if (a->t) FN(share)(n, ck, ROW(a, k), a0, b0, c0);
        if (b->t) FN(share)(n, ck, ROW(b, k), b0, a0, c0);
    }
}

BODY(maximum) { FN(pick_body)(safe, A, n, c, a, b, p, w); }
BODY(minimum) { FN(pick_body)(safe, A, n, c, a, b, p, w); }

/* The mask stands in the place of the work rows; the values are chosen, too. */
BODY(choose) {
    const unsigned char *mask = w;
    for (ptrdiff_t k = 0; k < A->M; k++) {
        T *restrict ck = ROW(c, k);
        const T *ak = !k || a->t ? ROW(a, k) : NULL, *bk = !k || b->t ? ROW(b, k) : NULL;
        if (ak && bk) EACH ck[e] = mask[e] ? ak[e] : bk[e];
        else if (ak) EACH ck[e] = mask[e] ? ak[e] : 0;
        else EACH ck[e] = mask[e] ? 0 : bk[e];
    }
}

/* Any function by its first derivative ----------------------------------- */

/* E c = b E a; b holds the derivative, terms up to degree D - 1. */
BODY(chain) {
    const T *b0 = ROW(b, 0), f = FACTOR(a);
    MONOMIALS {
        T *restrict ck = ROW(c, k);
        const T *ak = ROW(a, k);
        if (b->t) FN(euler_full)(safe, A, n, k, ck, a, b);
        else EACH ck[e] = TIMES(f * ak[e], b0[e]);
    }
}

KERNEL(add)
KERNEL(sub)
KERNEL(pos)
KERNEL(neg)
KERNEL(mul)
KERNEL(div)
KERNEL(power)
KERNEL(sqrt)
KERNEL(exp)
KERNEL(log)
KERNEL(expm1)
KERNEL(log1p)
KERNEL(sin)
KERNEL(cos)
KERNEL(tan)
KERNEL(sinh)
KERNEL(cosh)
KERNEL(abs)
KERNEL(pick)
KERNEL(maximum)
KERNEL(minimum)
KERNEL(choose)
KERNEL(chain)

/* Values as well: of operations that IEEE 754 defines to the last bit. */

#define VALUED(name, ...)                                       \
    DD_CLONES static int FN(name##_valued)(ARGS, int checked) { \
        const T *a0 = ROW(a, 0);                                \
        T *restrict c0 = ROW(c, 0);                             \
        int done = 0; /* the terms, too */                      \
        __VA_ARGS__                                             \
        if (!done) FN(name##_body)(0, A, n, c, a, b, p, w);     \
        if (!checked || !FN(any_nan)(A, n, c)) return 0;        \
        FN(name##_body)(1, A, n, c, a, b, p, w);                \
        return 1;                                               \
    }
#define IS_SCALAR(x) (!x->t && !x->s)
#define BINARY(op)                                  \
    const T *b0 = ROW(b, 0), x = *a0, y = *b0;      \
    if (IS_SCALAR(a)) EACH c0[e] = x op b0[e];      \
    else if (IS_SCALAR(b)) EACH c0[e] = a0[e] op y; \
    else EACH c0[e] = a0[e] op b0[e];
#define PRODUCT                                                    \
    if (A->M == 2 && a->t && b->t) { /* both in one pass */        \
        const T *a1 = ROW(a, 1), *b0 = ROW(b, 0), *b1 = ROW(b, 1); \
        const T fa = FACTOR(a), fb = FACTOR(b);                    \
        T *restrict c1 = ROW(c, 1);                                \
        EACH {                                                     \
            T x = a0[e], y = b0[e];                                \
            c0[e] = x * y;                                         \
            c1[e] = x * (fb * b1[e]) + (fa * a1[e]) * y;           \
        }                                                          \
        done = 1;                                                  \
    } else {                                                       \
        BINARY(*)                                                  \
    }

VALUED(add, BINARY(+))
VALUED(sub, BINARY(-))
VALUED(pos, EACH c0[e] = a0[e];)
VALUED(neg, EACH c0[e] = -a0[e];)
VALUED(mul, PRODUCT)
VALUED(div, BINARY(/))
VALUED(power, EACH c0[e] = a0[e] * a0[e];) /* p == 2 */
VALUED(sqrt, EACH c0[e] = SQRT(a0[e]);)

/* The work row is changed once, and not at all where one pass does. */
DD_CLONES static int FN(tanh)(ARGS, int checked) {
    T *restrict h0 = w;
    if (A->M == 2) {
        const T *a1 = ROW(a, 1), f = FACTOR(a);
        T *restrict c1 = ROW(c, 1);
        EACH c1[e] = f * a1[e] * FN(one_over_cosh2)(h0[e]);
        if (!checked || !FN(any_nan)(A, n, c)) return 0;
        EACH h0[e] = FN(one_over_cosh2)(h0[e]);
    } else {
        EACH h0[e] = FN(one_over_cosh2)(h0[e]);
        FN(tanh_body)(0, A, n, c, a, b, p, w);
        if (!checked || !FN(any_nan)(A, n, c)) return 0;
    }
    FN(tanh_body)(1, A, n, c, a, b, p, w);
    return 1;
}

#undef ROW
#undef FACTOR
#undef TIMES
#undef OVER
#undef EACH
#undef MONOMIALS
#undef PAIRS
#undef DEGREE
#undef ARGS
#undef BODY
#undef KERNEL
#undef VALUED
#undef IS_SCALAR
#undef BINARY
#undef PRODUCT
#undef T
#undef SUFFIX
#undef SQRT
#undef POW
