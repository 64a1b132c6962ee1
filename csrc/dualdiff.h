/* dualdiff: arithmetic of truncated Taylor polynomials, in plain C.
 *
 * The contract of csrc/.  Nothing here knows Python or NumPy.
 *
 * A polynomial over an algebra has M coefficients; coefficient 0 is the value,
 * the others belong to the non-constant monomials, sorted by total degree.
 * Arrays of polynomials are stored by rows: one row of elements for each
 * coefficient, elements one apart, rows `s` elements apart.
 *
 * Letters, everywhere: a b inputs, c output, k the monomial being computed,
 * i j the pair of monomials whose product it is, d its degree, e the element.
 *
 * Memory: callers own every buffer.  An output row never overlaps an input row.
 * Tables are immutable once built and may be shared by any number of threads.
 */
#ifndef DUALDIFF_H
#define DUALDIFF_H

#include <stddef.h>
#include <stdint.h>

/* ---- product tables (table.c) ------------------------------------------ */

typedef struct {
    int32_t nf;     /* factors */
    int32_t *n;     /* [nf] seeds of each factor */
    int32_t *order; /* [nf] highest degree kept in each factor */
    int32_t D;      /* highest total degree that occurs */
    int64_t M;      /* monomials, the constant one included */
    int64_t *head;  /* [D + 2] first monomial of each degree; head[D + 1] = M */
                    /* one factor of order 1 lists nothing: what follows is NULL */
    int32_t *deg;   /* [M] total degree of each monomial */
    int32_t *part;  /* [M * nf] the monomial of each factor, numbered in that factor */
    int64_t *start; /* [M + 1] pairs of monomial k are start[k] .. start[k + 1] */
    int32_t *pi;    /* ordered pairs (i, j) -> k, both of degree >= 1: */
    int32_t *pj;    /*   (0, k) and (k, 0) are implied and not listed */
} dd_table;

enum {
    DD_OK = 0,
    DD_NOMEM = 1, /* out of memory */
    DD_TOOBIG = 2 /* more monomials or pairs than 31 bits count */
};

/* Table of the product of nf <= 62 factors.  Each of the nb bounds keeps only the
 * monomials whose degree, summed over the factors in mask[.], is at most bound[.].
 * On failure returns a status and leaves *table alone. */
int dd_table_new(dd_table **table, int32_t nf, const int32_t *n, const int32_t *order, int32_t nb,
                 const int64_t *mask, const int32_t *bound);
void dd_table_free(dd_table *table);

/* Monomials of n seeds with degree at most d; -1 when 31 bits do not count them. */
int64_t dd_count(int64_t n, int64_t d);

/* Number, within one factor, of the monomial whose seeds are s[0] <= ... <= s[d-1]. */
int64_t dd_rank(int64_t n, int32_t d, const int32_t *s);

/* ---- kernels (kernels.c) ------------------------------------------------ */

/* One operand: a row of values, rows of terms (NULL for a constant), row distance.  A
 * constant with s == 0 has one value for all elements: in sums, products and quotients only.
 * f: NULL, or a number that the terms are still to be multiplied by, which is finite and not 0:
 * at order 1, of kernels with DD_SCALES only. */
typedef struct {
    void *v;
    void *t;
    ptrdiff_t s;
    const void *f;
} dd_num;

/* Fills the rows of terms of c.  The value row of c holds the value on entry.
 * b: second operand, or NULL; p: parameter (the exponent of `power`);
 * w: work rows, n elements each, as many as dd_work_rows says; the first holds
 * the auxiliary function of the kernel's row below on entry.  Of `choose` it is the mask, a
 * byte for each element, and the value row is filled, too.
 * A NaN among the terms may be a zero times an infinity that should be zero: with `checked`
 * the kernel looks for NaN, does its work again with that rule, and returns 1. */
typedef int (*dd_kernel)(const dd_table *A, ptrdiff_t n, const dd_num *c, const dd_num *a,
                         const dd_num *b, double p, void *w, int checked);

/* Elementary functions that a kernel may want beside its operands; DD_DECAY: exp(-2 |a|). */
enum { DD_NONE, DD_COS, DD_SIN, DD_COSH, DD_SINH, DD_EXP, DD_DECAY };

/* What the terms of order 1 are computed of, the operands' terms apart: flags. */
enum { DD_RESULT = 1, DD_OPERANDS = 2, DD_SCALES = 4 };

#include "kernels.h"

enum {
#define DD_KERNEL(name, nin, aux, work, terms) DD_##name,
    DD_KERNELS
#undef DD_KERNEL
        DD_NKERNELS
};

enum { DD_F32, DD_F64, DD_LD, DD_NTYPES };

typedef struct {
    const char *name;
    int nin;   /* operands */
    int aux;   /* elementary function wanted in the first work row */
    int work;  /* work rows: 0 none, 1 one, 2 one for each coefficient */
    int terms; /* DD_RESULT, DD_OPERANDS: values that they read; DD_SCALES: see dd_num */
    dd_kernel run[DD_NTYPES];
} dd_kernel_info;

extern const dd_kernel_info dd_kernels[DD_NKERNELS];

/* The same, computing the value row of c, too; NULL where that is not an operation that
 * IEEE 754 defines to the last bit.  That of `power` is for p == 2. */
extern const dd_kernel dd_valued[DD_NKERNELS][DD_NTYPES];

ptrdiff_t dd_work_rows(const dd_table *A, int kernel);

/* ---- whole arrays (plan.c, apply.c, fuse.c) -------------------------------------- */

enum { DD_MAXDIMS = 64 };

/* An array operand of any layout, broadcast to the result's shape; strides in bytes. */
typedef struct {
    char *v;
    char *t;            /* NULL for a constant */
    ptrdiff_t ts;       /* from one row of terms to the next */
    ptrdiff_t rows;     /* rows of terms */
    const int32_t *map; /* NULL, or for each row of the result the operand's row, 0 for none */
    int flat;           /* elements lie one after another, in the result's order */
    int single;         /* every element is the same one */
    int even;           /* each row of terms is one element all along; values lie as in `flat`, */
    int strided;        /* or, of what is even, do not */
    int axis;           /* along which elements start with number `cut` and go around the end: */
    ptrdiff_t cut;      /* of what is not flat and not single */
    ptrdiff_t vs[DD_MAXDIMS], es[DD_MAXDIMS];
} dd_array;

/* A function on rows, as NumPy's inner loops are. */
typedef void (*dd_loop)(char **args, const ptrdiff_t *n, const ptrdiff_t *steps, void *data);
typedef struct {
    dd_loop run;
    void *data;
} dd_fn;

/* One kernel of a job. */
typedef struct {
    const dd_table *A;
    int kernel;
    dd_array c, a, b;   /* c is flat; without c.v only later steps read the values, without
                           c.t the terms */
    int from_a, from_b; /* 0, or 1 + the earlier step whose result is the operand; a.map and
                           b.map say which rows of it then, too */
    double p;
    dd_fn value, aux;     /* value.run == NULL: the value row of c is there already */
    int exact;            /* whether dd_valued computes the same values */
    const void *exponent; /* NULL, or second operand of `value`, the same for all elements */
    char *mask;           /* of `choose`: flat, in the result's order */
    int flags;            /* out: floating-point exceptions of the values (updated atomically) */
    int64_t row, row_a, row_b; /* private: rows of a block that hold the result, and operands
                                  of one element, which stay from block to block */
    int64_t row_c;             /* private: rows of terms that stay from block to block */
    int steady;                /* private: whether the result has such */
    int same;                  /* private: 1 or 2 if the terms of the result are those of a or b, */
    const void *factor;        /* private: multiplied by this, if it is not NULL */
    int read;                  /* private: whether anything comes of the values */
    double most;               /* private: bound on their magnitude */
    int who, turn;             /* private: the step whose turn it is here; the turn of this one */
    int kind, stage;           /* private: how it is done where the job is fused, and when */
    int64_t row_w;             /* private: the row of its auxiliary function then */
    int decayed;               /* private: whether code puts there what DD_DECAY is of */
} dd_step;

typedef struct dd_fused dd_fused; /* see fuse.h */

/* What the last step of a job is for where only its sum is wanted.  Either terms are summed, row
 * by row, or element e of row k is for seed starts[k] + e / length * step + e % length; those of
 * a row where starts[k] < 0 are all for seed -1 - starts[k], which gets their sum last. */
typedef struct {
    const dd_fn *add; /* NumPy's loop */
    char *sums;       /* out: of the values; of the rows of terms if starts == NULL */
    double *g;        /* out: what each of n seeds gets */
    ptrdiff_t n;
    const ptrdiff_t *starts;
    ptrdiff_t step, length; /* length <= step, both not 0 */
} dd_total;

/* Kernels that run one after another on each block of elements, all of one shape. */
typedef struct {
    int type;
    int nd;
    ptrdiff_t shape[DD_MAXDIMS];
    ptrdiff_t size;
    dd_step *steps;
    int count;
    const dd_total *total;   /* NULL, or of a job for dd_apply_sum: then the last c.v is NULL */
    struct dd_rows *entries; /* NULL, or of a job for dd_apply_rows: likewise */
    int64_t rows, fixed;     /* private: rows of a block that steps share; those that stay */
    int64_t scratch;         /* private: rows before them, of one step each time */
    dd_fused *fused;         /* private: NULL, or machine code */
} dd_job;

int dd_apply(dd_job *job);

/* Whether threads share a job: estimated by passes over rows, the functions of loops being worth
 * several. */
int dd_is_shared(const dd_job *job);

/* Which jobs of several steps machine code does, where the processor and the system let it: the
 * bits are the same.  Returns what was set before. */
enum { DD_NEVER, DD_AUTO, DD_ALWAYS };
int dd_set_machine_code(int jobs);

/* Parts of dd_apply, for sum.c.  dd_place decides what each step computes, and in which rows; then
 * each thread starts for itself (NULL: no memory), n being the elements of its first range, runs
 * elements first .. last - 1 of any ranges, and stops.  The last step's rows, `length` apart, go to
 * `rows_of_last` if that is not NULL. */
typedef struct dd_runner dd_runner;
void dd_place(dd_job *job);
void dd_unplace(dd_job *job);
dd_runner *dd_start(dd_job *job, ptrdiff_t n, char *rows_of_last, ptrdiff_t length);
void dd_run(dd_runner *r, ptrdiff_t first, ptrdiff_t last);
void dd_stop(dd_runner *r);

/* ---- sums (sum.c) ---------------------------------------------------------- */

/* out[k] = the sum of n elements of row k, to the bit as NumPy's reduction of them; `add`: its
 * loop; row, step: bytes to the next row and element. */
int dd_sum(int type, const dd_fn *add, ptrdiff_t rows, ptrdiff_t n, const void *data, ptrdiff_t row,
           ptrdiff_t step, void *out);

/* Runs a job for the sum of its last result: the same bits as by dd_apply, dd_sum and, of doubles
 * of order 1, dd_scatter.  DD_TOOBIG: its rows are too many, or the first seeds too far apart. */
int dd_apply_sum(dd_job *job);

/* A row of terms for runs of seeds: t[i * length + j] is for seed start + i * step + j, where
 * i < runs, j < length <= step. */
typedef struct {
    const double *t;
    ptrdiff_t start, runs, step, length;
} dd_runs;

/* Adds rows of terms to the n seeds that they stand for, one row after another; fresh: to 0,
 * else to what is there. */
int dd_scatter(double *g, ptrdiff_t n, const dd_runs *rows, int count, int fresh);

/* t[e] = (fresh) or += row[e * step] * g for n elements, where 0 times anything is 0; step is 0 or
 * 1. */
void dd_add_scaled(double *t, ptrdiff_t n, double g, const double *row, int step, int fresh);

/* ---- compressed rows (rows.c) ---------------------------------------------- */

/* A sparse matrix that gets a row for each element of an array of numbers: the entry of local seed
 * q is a term of order 1, its column the number of the seed, 0 standing for none, less 1.  Columns
 * ascend; entries of one column are summed in the order of local seeds. */
typedef struct dd_rows {
    int type, parts; /* of entries; 1, or 2: real and imaginary */
    int wide;        /* whether the matrix has indices of 64 bits, else of 32 */
    int nd;
    ptrdiff_t shape[DD_MAXDIMS], size; /* of the array; its elements in C order */
    ptrdiff_t count;                   /* local seeds, at least one */
    const char **lanes;                /* of each the array of seeds (ptrdiff_t) */
    const ptrdiff_t *steps;            /* and its nd strides, in bytes */
    void *data, *indices;              /* of the matrix: room for size * count entries more */
    void *ends;                        /* out: where the entries of each row end */
    ptrdiff_t used;                    /* entries so far; out: with those of this array */
} dd_rows;

/* Rows of terms in memory; row: elements from the terms of one local seed to the next. */
int dd_compress(dd_rows *r, const void *terms, ptrdiff_t row);

/* Runs a job for the rows of its last result, whose terms are of order 1 and one local seed each.
 */
int dd_apply_rows(dd_job *job);

/* ---- matrices (matrix.c) ------------------------------------------------- */

/* The terms of l, l l^T = a, of a batch of n by n matrices, C-contiguous; type is DD_F32 or
 * DD_F64.  l: the values; t: the terms of a on entry, those of l on return, one batch for each
 * monomial.  Only lower triangles are read; the upper ones of the result are 0. */
int dd_cholesky(const dd_table *A, int type, ptrdiff_t batch, ptrdiff_t n, const void *l, void *t);

/* ---- memory (fingerprint.c) ---------------------------------------------- */

/* out: the same number as long as these bytes stay the same, whatever the number of threads.
 * row: the size of a row of a matrix in bytes, else 0. */
int dd_fingerprint(const void *data, size_t bytes, size_t row, uint64_t *out);

/* The same number of a matrix, and in the same pass its product with a vector: g a if left,
 * else a g.  The same bits whatever the number of threads. */
enum { DD_PRODUCT_COLUMNS = 1024 }; /* at most */
int dd_fingerprint_product(const double *a, ptrdiff_t rows, ptrdiff_t columns, const double *g,
                           int left, double *product, uint64_t *out);

/* ---- threads (parallel.c) ------------------------------------------------ */

/* Runs elements first .. last - 1 of a job; returns a status. */
typedef int (*dd_range)(void *job, ptrdiff_t first, ptrdiff_t last);

/* How many threads share a large job, the caller's own included; returns what was set. */
int dd_set_threads(int n);

/* Runs a job in pieces of `grain` elements on the threads that were set. */
int dd_parallel(dd_range run, void *job, ptrdiff_t size, ptrdiff_t grain);

/* memcpy, shared by threads where it is large. */
void dd_copy(void *to, const void *from, size_t bytes);

#endif
