/* Factorisations of matrices for one element type; included once for each T. */

/* r -= x q. */
DD_INLINE void FN(subtract)(ptrdiff_t n, T *restrict r, T x, const T *restrict q) {
    for (ptrdiff_t m = 0; m < n; m++) r[m] -= x * q[m];
}

/* r -= the sum over a panel's columns of x[c] q[c], both in steps of s. */
DD_INLINE void FN(subtract_panel)(ptrdiff_t n, T *restrict r, const T *restrict x,
                                  const T *restrict q, ptrdiff_t s) {
    T f[PANEL];
    for (int c = 0; c < PANEL; c++) f[c] = x[c * s];
    for (ptrdiff_t m = 0; m < n; m++) {
        T sum = f[0] * q[m];
        for (int c = 1; c < PANEL; c++) sum += f[c] * q[c * s + m];
        r[m] -= sum;
    }
}

/* The terms of l, l l^T = a:  sum l_p l_q^T over all pairs of k is a_k.
 *
 * t: terms of a on entry, of l on return, in steps of ts; l0: the value of l; all n by n.
 * w: A->M times PANEL rows of n.  From left to right in panels of columns.  A panel is
 * finished in w, where its columns are rows: what is left of the columns of a becomes those
 * of l, one by one, each by the rows of its diagonal element.  Then it is taken off what
 * lies right of it.  Only lower triangles are read; the other elements become 0. */
DD_CLONES static void FN(cholesky)(const dd_table *A, ptrdiff_t n, const T *l0, T *t, ptrdiff_t ts,
                                   T *w) {
    const ptrdiff_t M = A->M, S = PANEL * n;
    for (ptrdiff_t at = 0; at < n; at += PANEL) {
        ptrdiff_t width = n - at < PANEL ? n - at : PANEL, next = at + width;
        for (ptrdiff_t k = 0; k < M; k++) {
            const T *a = k ? t + (k - 1) * ts : l0;
            for (ptrdiff_t i = at; i < n; i++)
                for (ptrdiff_t c = 0; c < width; c++) w[k * S + c * n + i] = a[i * n + at + c];
        }
        for (ptrdiff_t c = 0; c < width; c++) {
            ptrdiff_t j = at + c, len = n - j;
            for (ptrdiff_t k = 1; k < M; k++) {
                T *lk = w + k * S + c * n + j;
                for (ptrdiff_t b = 0; b <= c; b++) { /* columns left of it, then itself */
                    const T *l = w + b * n + j;
                    PAIRS FN(subtract)(len, lk, l[A->pj[q] * S], l + A->pi[q] * S);
                    if (b == c) break;
                    FN(subtract)(len, lk, l[0], l + k * S);
                    FN(subtract)(len, lk, l[k * S], l);
                }
                const T *l = w + c * n + j;
                T diagonal = lk[0] / l[0] / 2;
                for (ptrdiff_t i = 1; i < len; i++) lk[i] = (lk[i] - l[i] * diagonal) / l[0];
                lk[0] = diagonal;
            }
        }
        for (ptrdiff_t k = 1; k < M; k++) {
            const T *lk = w + k * S;
            for (ptrdiff_t i = at; i < n; i++) {
                T *row = t + (k - 1) * ts + i * n;
                for (ptrdiff_t c = 0; c < width; c++) row[at + c] = lk[c * n + i];
                if (i < next) {
                    memset(row + i + 1, 0, (n - i - 1) * sizeof(T));
                    continue;
                }
                /* To whole vectors: what lies right of the diagonal does not matter. */
                ptrdiff_t len = (i + 1 - next + VECTOR - 1) & ~(ptrdiff_t)(VECTOR - 1);
                if (len > n - next) len = n - next;
                FN(subtract_panel)(len, row + next, w + i, lk + next, n);
                FN(subtract_panel)(len, row + next, lk + i, w + next, n);
                PAIRS FN(subtract_panel)(len, row + next, w + A->pj[q] * S + i,
                                         w + A->pi[q] * S + next, n);
            }
        }
    }
}

#undef T
#undef SUFFIX
