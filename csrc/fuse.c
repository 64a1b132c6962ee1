/* Turns the arithmetic of a job into loops of machine code, on values and terms at once.
 *
 * Kernels write each result to a row that the next one reads: such stores, not arithmetic, take
 * most of their time.  A loop over all steps keeps results in registers.  Functions of NumPy's
 * loops divide a job into stages: each begins with the loops whose operands are there, and goes on
 * with all arithmetic that these and earlier results allow, the terms of the loops' functions
 * included.  The bits are the kernels': the same operations in the same order.
 */
#include "fuse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

enum {
    ROWS = 8,      /* of terms that a step may have */
    STEPS = 256,   /* that a job may have */
    VALUES = 1024, /* that a stage computes, at most */
    NUMBERS = 64,
    CODE = 32 * 1024,
    BUCKETS = 256,
    WORK = 400000, /* steps times elements from which on a job is fused */
    NONE = -1
};

static int machine_code = DD_AUTO;

int dd_set_machine_code(int jobs) {
    int before = machine_code;
    machine_code = jobs;
    return before;
}

/* Whether a job takes so long that its code is worth the 20 us that it takes to write it. */
static int is_large(const dd_job *job) {
    return machine_code == DD_ALWAYS || (machine_code == DD_AUTO && job->size >= WORK / job->count);
}

/* Stages ----------------------------------------------------------------------------------- */

static int is_moved(const dd_array *x, int from) { return from || !x->v || !block_rows(x, from); }

/* Whether the slope of a function is known below. */
static int has_slope(const dd_step *q) {
    switch (q->kernel) {
    case DD_power:
        return q->p != 0 && q->p >= -1 && q->p <= 4 && q->p == (int)q->p;
    case DD_abs:
    case DD_pick:
    case DD_maximum:
    case DD_minimum:
    case DD_choose:
        return 0;
    case DD_chain:
        return !q->from_b && !q->b.t;
    default:
        return 1;
    }
}

static int computes_terms(const dd_step *q) { return q->A->M > 1 && !q->same && !q->steady; }

int dd_has_work_row(const dd_step *q) {
    return q->kind == DD_LOOP && dd_kernels[q->kernel].aux && computes_terms(q);
}

static int kind_of(const dd_step *q) {
    if (!is_moved(&q->a, q->from_a) || !is_moved(&q->b, q->from_b)) return DD_PLAIN;
    if (q->A->D > 1 || q->A->M > ROWS + 1) return DD_PLAIN;
    if (computes_terms(q) && !has_slope(q)) return DD_PLAIN;
    if (q->kernel == DD_power && q->exact && q->read && q->p != 2) return DD_PLAIN;
    if (q->kernel == DD_choose) return DD_PLAIN;
    int aux = dd_kernels[q->kernel].aux && computes_terms(q);
    return aux || (q->value.run && q->read && !q->exact) ? DD_LOOP : DD_CODE;
}

/* The first stage in which a step of some kind finds the result of step p. */
static int stage_after(const dd_step *p, int kind) {
    int in_code = p->kind == DD_CODE || (kind == DD_PLAIN && p->kind == DD_LOOP && p->A->M > 1);
    return p->stage + (kind != DD_CODE && in_code);
}

int dd_order(dd_job *job) {
    int code = 0, fusible = x86_runs(0) && job->type != DD_LD && job->count > 1 &&
                            job->count <= STEPS && is_large(job);
    for (int s = 0; s < job->count; s++) {
        dd_step *q = job->steps + s;
        q->kind = fusible ? kind_of(q) : DD_PLAIN;
        q->stage = q->row_w = q->decayed = 0;
        for (int which = 1; which <= 2 && fusible; which++) {
            int from = which == 1 ? q->from_a : q->from_b;
            int stage = from ? stage_after(job->steps + from - 1, q->kind) : 0;
            if (stage > q->stage) q->stage = stage;
        }
        code += q->kind == DD_CODE || (q->kind == DD_LOOP && computes_terms(q));
        q->row_w = dd_has_work_row(q);
        /* In its place among those before: stages in turn, in each what is no code first. */
        int at = s;
        for (; at > 0; at--) {
            const dd_step *p = job->steps + job->steps[at - 1].who;
            if (p->stage < q->stage) break;
            if (p->stage == q->stage && (p->kind != DD_CODE || q->kind == DD_CODE)) break;
            job->steps[at].who = job->steps[at - 1].who;
        }
        job->steps[at].who = s;
    }
    for (int at = 0; at < job->count; at++) job->steps[job->steps[at].who].turn = at;
    return code > 1;
}

/* Values of a stage ------------------------------------------------------------------------ */

enum { LOAD = 1, BROADCAST, PREFETCH, LOOK, STORE, SAVED }; /* beside the opcodes of x86.h */

typedef struct {
    int op, a, b; /* a, b: earlier values; of a load or store b is a slot */
    int last;     /* the last value that reads it */
    int next;     /* in its bucket */
    int reg;
    int wanted; /* whether it is computed even if nothing reads it: for its exceptions */
    int home;   /* a slot that it may be written to where registers run out, or NONE */
} value;

typedef struct {
    const dd_job *job;
    int stage;
    value values[VALUES];
    int count;
    int buckets[BUCKETS];
    dd_slot slots[DD_SLOTS];
    char touched[DD_SLOTS]; /* slots whose rows the code loads from, or stores to */
    int nslots;
    int v[STEPS], t[STEPS][ROWS]; /* values of results, if this stage has computed them */
    double *numbers;              /* as the job's type, of all stages */
    int nnumbers;
    int full;
} builder;

/* The number of an earlier value that is the same, or of this one. */
static int add(builder *w, int op, int a, int b) {
    int *bucket = w->buckets + (unsigned)(op + 31 * a + 257 * b) % BUCKETS;
    for (int i = *bucket; i != NONE; i = w->values[i].next)
        if (w->values[i].op == op && w->values[i].a == a && w->values[i].b == b) return i;
    if (w->count == VALUES) return w->full = 1, 0;
    w->values[w->count] = (value){op, a, b, 0, *bucket, NONE, 0, NONE};
    return *bucket = w->count++;
}

static int slot(builder *w, dd_slot x) {
    for (int i = 0; i < w->nslots; i++)
        if (w->slots[i].place == x.place && w->slots[i].base == x.base && w->slots[i].row == x.row)
            return i;
    if (w->nslots == DD_SLOTS) return w->full = 1, 0;
    w->slots[w->nslots] = x;
    return w->nslots++;
}

static int load(builder *w, dd_slot x) { return add(w, LOAD, NONE, slot(w, x)); }

static void store(builder *w, int value, dd_slot x) { add(w, STORE, value, slot(w, x)); }

static int constant(builder *w, const void *x) {
    return add(w, BROADCAST, NONE, slot(w, (dd_slot){DD_CONSTANT, x, 0}));
}

/* A number of our own. */
static int number(builder *w, double x) {
    int i = 0;
    double bits = x;
    if (w->job->type == DD_F32) bits = 0, memcpy(&bits, &(float){(float)x}, sizeof(float));
    while (i < w->nnumbers && memcmp(w->numbers + i, &bits, sizeof bits)) i++;
    if (i == NUMBERS) return w->full = 1, 0;
    if (i == w->nnumbers) w->numbers[w->nnumbers++] = bits;
    return constant(w, w->numbers + i);
}

static int times(builder *w, int a, int b) { return add(w, X86_MUL, a, b); }
static int minus(builder *w, int a) { return add(w, X86_XOR, a, number(w, -0.0)); }

/* Where row k of a result is, 0 being its values. */
static dd_slot place_of(const dd_job *job, const dd_step *q, ptrdiff_t k) {
    if (q->c.v || q->c.t) {
        if (!k && !q->c.v) return (dd_slot){DD_REGISTERS, NULL, q->row};
        return (dd_slot){DD_ARRAY, k ? q->c.t + (k - 1) * q->c.ts : q->c.v, 0};
    }
    if (is_taken(job, q)) return (dd_slot){DD_LAST, NULL, k};
    return (dd_slot){DD_REGISTERS, NULL, q->row + (k ? q->read + k - 1 : 0)};
}

/* Row k of an array. */
static int array_row(builder *w, const dd_array *x, ptrdiff_t k) {
    const char *row = k ? x->t + (k - 1) * x->ts : x->v;
    if (x->single || (k && x->even)) return constant(w, row);
    return load(w, (dd_slot){DD_ARRAY, row, 0});
}

static int value_of(builder *w, const dd_step *q, int which) {
    int from = which == 1 ? q->from_a : q->from_b;
    if (!from) return array_row(w, which == 1 ? &q->a : &q->b, 0);
    int known = w->v[from - 1];
    if (known != NONE) return known;
    return load(w, place_of(w->job, w->job->steps + from - 1, 0));
}

/* Term k of an operand, NONE if it has no such. */
static int term_of(builder *w, const dd_step *q, int which, ptrdiff_t k) {
    const dd_array *x = which == 1 ? &q->a : &q->b;
    int from = which == 1 ? q->from_a : q->from_b;
    const void *factor = NULL;
    if (x->map) k = x->map[k];
    if (!k) return NONE;
    while (from && w->job->steps[from - 1].same) {
        const dd_step *p = w->job->steps + from - 1;
        if (!factor) factor = p->factor;
        x = p->same == 1 ? &p->a : &p->b;
        from = p->same == 1 ? p->from_a : p->from_b;
    }
    int t;
    if (!from) {
        if (!x->t) return NONE;
        t = array_row(w, x, k);
    } else {
        const dd_step *p = w->job->steps + from - 1;
        if (p->A->M == 1) return NONE;
        t = w->t[from - 1][k - 1];
        dd_slot steady = {DD_STEADY, NULL, p->row_c + k - 1};
        if (p->steady) t = add(w, BROADCAST, NONE, slot(w, steady));
        else if (t == NONE) t = load(w, place_of(w->job, p, k));
    }
    return factor ? times(w, constant(w, factor), t) : t;
}

static int work_row(builder *w, const dd_step *q) {
    return load(w, (dd_slot){DD_REGISTERS, NULL, q->row_w});
}

/* x to an integer power, as kernels compute it. */
static int power(builder *w, int x, int p) {
    int one = number(w, 1), r = x;
    if (p == 0) return one;
    if (p < 0) r = add(w, X86_DIV, one, x);
    for (int i = 1; i < abs(p); i++) r = add(w, p < 0 ? X86_DIV : X86_MUL, r, x);
    return r;
}

/* The term of a function of one operand, whose own is t. */
static int slope_times(builder *w, const dd_step *q, int t, int own) {
    int x, y;
    switch (q->kernel) {
    case DD_pos:
        return t;
    case DD_neg:
        return minus(w, t);
    case DD_power:
        x = times(w, t, power(w, value_of(w, q, 1), (int)q->p - 1));
        return times(w, number(w, q->p), x);
    case DD_sqrt:
        return add(w, X86_DIV, t, times(w, number(w, 2), own));
    case DD_exp:
        return times(w, t, own);
    case DD_log:
        return add(w, X86_DIV, t, value_of(w, q, 1));
    case DD_log1p:
        return add(w, X86_DIV, t, add(w, X86_ADD, number(w, 1), value_of(w, q, 1)));
    case DD_cos:
        return minus(w, times(w, t, work_row(w, q)));
    case DD_tan:
        return times(w, t, add(w, X86_ADD, number(w, 1), times(w, own, own)));
    case DD_tanh:
        x = work_row(w, q), y = add(w, X86_ADD, number(w, 1), x);
        return times(w, t, add(w, X86_DIV, times(w, number(w, 4), x), times(w, y, y)));
    case DD_chain:
        return times(w, t, value_of(w, q, 2));
    default:
        return times(w, t, work_row(w, q)); /* expm1, sin, sinh, cosh */
    }
}

/* Term k of the result, whose value is `own` where it is needed. */
static int term(builder *w, const dd_step *q, ptrdiff_t k, int own) {
    int a = term_of(w, q, 1, k), b = NONE, x, y;
    if (q->kernel != DD_chain && (q->from_b || q->b.v)) b = term_of(w, q, 2, k);
    if (a == NONE && b == NONE) return number(w, 0);
    switch (q->kernel) {
    case DD_add:
        return a == NONE ? b : b == NONE ? a : add(w, X86_ADD, a, b);
    case DD_sub:
        return a == NONE ? minus(w, b) : b == NONE ? a : add(w, X86_SUB, a, b);
    case DD_mul:
        x = b == NONE ? NONE : times(w, value_of(w, q, 1), b);
        y = a == NONE ? NONE : times(w, a, value_of(w, q, 2));
        return x == NONE ? y : y == NONE ? x : add(w, X86_ADD, x, y);
    case DD_div:
        x = b == NONE ? NONE : times(w, b, own);
        y = x == NONE ? a : a == NONE ? minus(w, x) : add(w, X86_SUB, a, x);
        return add(w, X86_DIV, y, value_of(w, q, 2));
    default:
        return slope_times(w, q, a, own);
    }
}

/* Whether the kernel of a step reads its result's values for its terms. */
static int reads_own(const dd_step *q) { return (dd_kernels[q->kernel].terms & DD_RESULT) != 0; }

static int value_in_code(builder *w, const dd_step *q) {
    int a = value_of(w, q, 1);
    switch (q->kernel) {
    case DD_pos:
        return a;
    case DD_neg:
        return minus(w, a);
    case DD_sqrt:
        return add(w, X86_SQRT, a, NONE);
    case DD_power:
        return times(w, a, a);
    case DD_add:
        return add(w, X86_ADD, a, value_of(w, q, 2));
    case DD_sub:
        return add(w, X86_SUB, a, value_of(w, q, 2));
    case DD_mul:
        return times(w, a, value_of(w, q, 2));
    default:
        return add(w, X86_DIV, a, value_of(w, q, 2));
    }
}

/* Whether anything but the code of its own stage reads the values, or the terms, of step s: who
 * reads values counts for terms, too. */
static int leaves(const dd_job *job, int s, int stage, int terms) {
    for (int t = s + 1; t < job->count; t++) {
        const dd_step *q = job->steps + t;
        int a = q->from_a == s + 1, b = q->from_b == s + 1;
        if (!a && !b) continue;
        if (terms && ((a && q->same == 1) || (b && q->same == 2))) {
            if (leaves(job, t, stage, 1)) return 1;
            continue;
        }
        if (q->kind == DD_PLAIN || q->stage != stage) return 1;
    }
    return 0;
}

/* -2 |x| for the slopes of those that read a value, if it is one of code. */
static void store_decay(builder *w, int s) {
    for (int t = s + 1; t < w->job->count; t++) {
        dd_step *q = w->job->steps + t;
        if (q->from_a != s + 1 || dd_kernels[q->kernel].aux != DD_DECAY || !dd_has_work_row(q))
            continue;
        int down = add(w, X86_OR, times(w, number(w, 2), w->v[s]), number(w, -0.0));
        store(w, down, (dd_slot){DD_REGISTERS, NULL, q->row_w});
        q->decayed = 1;
    }
}

/* Gives a value, computed here, the row of its step. */
static void settle(builder *w, int i, const dd_step *q, ptrdiff_t k) {
    dd_slot row = place_of(w->job, q, k);
    if (w->values[i].op > SAVED && row.place == DD_REGISTERS) w->values[i].home = slot(w, row);
}

static void build_step(builder *w, int s) {
    const dd_job *job = w->job;
    const dd_step *q = job->steps + s;
    if (q->kind == DD_PLAIN) return;
    if (q->kind == DD_CODE && q->read && q->exact) {
        w->v[s] = value_in_code(w, q);
        w->values[w->v[s]].wanted = 1;
        settle(w, w->v[s], q, 0);
        if (is_kept(job, q) || leaves(job, s, w->stage, 0)) store(w, w->v[s], place_of(job, q, 0));
        store_decay(w, s);
    }
    if (!computes_terms(q)) return;
    int own = w->v[s], stored = is_kept(job, q) || leaves(job, s, w->stage, 1);
    if (own == NONE && reads_own(q)) own = load(w, place_of(job, q, 0));
    for (ptrdiff_t k = 1; k < q->A->M; k++) {
        int t = term(w, q, k, own);
        w->t[s][k - 1] = t;
        settle(w, t, q, k);
        if (stored) store(w, t, place_of(job, q, k));
        if (is_kept(job, q)) add(w, LOOK, t, NONE);
    }
}

/* The stage that has most to do fetches what the next block is made of: spread over a loop, it
 * costs nothing. */
static int fetching_stage(const dd_job *job, int stages) {
    int best = 0, most = 0;
    for (int stage = 0; stage < stages; stage++) {
        int steps = 0;
        for (int s = 0; s < job->count; s++)
            steps += job->steps[s].stage == stage && job->steps[s].kind != DD_PLAIN;
        if (steps > most) most = steps, best = stage;
    }
    return best;
}

static void fetch_array(builder *w, const dd_array *x) {
    if (x->v) add(w, PREFETCH, NONE, slot(w, (dd_slot){DD_NEXT, x->v, 0}));
    for (ptrdiff_t i = 0; x->t && !x->even && i < x->rows; i++)
        add(w, PREFETCH, NONE, slot(w, (dd_slot){DD_NEXT, x->t + i * x->ts, 0}));
}

/* Where the sum's terms go, if to seeds in a row. */
static void fetch_seeds(builder *w, const dd_total *total) {
    ptrdiff_t first = -1, K = w->job->steps[w->job->count - 1].A->M - 1;
    if (!total || !total->starts || total->length < w->job->size) return;
    for (ptrdiff_t k = 0; k < K; k++) {
        ptrdiff_t start = total->starts[k];
        if (start >= 0 && (first < 0 || start < first)) first = start;
    }
    const char *at = (const char *)(total->g + first);
    if (first >= 0) add(w, PREFETCH, NONE, slot(w, (dd_slot){DD_ARRAY, at, 0}));
}

static void fetch_next(builder *w) {
    fetch_seeds(w, w->job->total);
    for (int s = 0; s < w->job->count; s++) {
        const dd_step *q = w->job->steps + s;
        if (!q->from_a && is_in_line(&q->a)) fetch_array(w, &q->a);
        if (!q->from_b && is_in_line(&q->b)) fetch_array(w, &q->b);
        if (q->c.flat) fetch_array(w, &q->c);
    }
}

/* Registers and code ----------------------------------------------------------------------- */

/* The registers of a loop: which value each of the first `count` holds, constants have the others.
 * at: the value that is being computed. */
typedef struct {
    builder *w;
    x86_code *c;
    int held[32], count, at;
} registers;

static int is_read_again(const registers *r, int i) { return r->w->values[i].last > r->at; }

static void load_row(registers *r, int reg, int slot) {
    r->w->touched[slot] = 1;
    x86_load(r->c, reg, slot);
}

static void store_row(registers *r, int reg, int slot) {
    r->w->touched[slot] = 1;
    x86_store(r->c, reg, slot);
}

/* Whether the row of a slot is to be loaded from yet, for the present value perhaps. */
static int is_awaited(const registers *r, int slot) {
    for (int i = 0; i < r->w->count; i++) {
        const value *x = r->w->values + i;
        if (x->op == LOAD && x->b == slot && x->last >= r->at) return 1;
    }
    return 0;
}

/* Whether a value can be had from memory again: 2 where it has to be written first, to the row
 * that its step has for those who do all again with care. */
static int can_leave(const registers *r, int i) {
    const value *x = r->w->values + i;
    if (x->op == LOAD || x->op == BROADCAST) return 1;
    return x->home != NONE && !is_awaited(r, x->home) ? 2 : 0;
}

/* A register that is free, or is made so: the value that is read last leaves, neither a nor b. */
static int find_register(registers *r, int a, int b) {
    int best = NONE, how = 3;
    for (int i = 0; i < r->count; i++)
        if (r->held[i] == NONE) return i;
    for (int i = 0; i < r->count; i++) {
        int way = r->held[i] == a || r->held[i] == b ? 0 : can_leave(r, r->held[i]);
        if (!way || way > how) continue;
        int later =
            best == NONE || r->w->values[r->held[i]].last > r->w->values[r->held[best]].last;
        if (way < how || later) best = i, how = way;
    }
    if (best == NONE) return r->w->full = 1, 0;
    value *x = r->w->values + r->held[best];
    if (how == 2) store_row(r, best, x->home), x->op = LOAD, x->b = x->home;
    x->reg = r->held[best] = NONE;
    return best;
}

/* Puts a value that lies in memory into a register. */
static void fetch_value(registers *r, int i, int a, int b) {
    value *x = r->w->values + i;
    if (x->reg != NONE) return;
    x->reg = find_register(r, a, b);
    r->held[x->reg] = i;
    if (x->op == LOAD) load_row(r, x->reg, x->b);
    else x86_broadcast(r->c, x->reg, x->b);
}

/* Before value `from` is written to a row: what is yet to be read of it stays in a register, and
 * it is nobody else's any more. */
static void save_row(registers *r, int slot, int from) {
    for (int i = 0; i < r->w->count; i++)
        if (i != from && r->w->values[i].home == slot) r->w->values[i].home = NONE;
    for (int i = 0; i < r->w->count; i++) {
        value *x = r->w->values + i;
        if (x->op != LOAD || x->b != slot || !is_read_again(r, i)) continue;
        fetch_value(r, i, i, from);
        x->op = SAVED;
    }
}

static void drop(registers *r, int i) {
    if (i == NONE || is_read_again(r, i) || r->w->values[i].reg == NONE) return;
    if (r->held[r->w->values[i].reg] == i) r->held[r->w->values[i].reg] = NONE;
}

static int is_arithmetic(const value *x) { return x->op > SAVED; }

/* Finds what is read, and where last, from the end: not what only something unread reads. */
static void find_last(builder *w) {
    for (int i = w->count - 1; i >= 0; i--) {
        value *x = w->values + i;
        if (is_arithmetic(x) && !x->last && !x->wanted) continue;
        if (x->a != NONE && !w->values[x->a].last) w->values[x->a].last = i;
        if (is_arithmetic(x) && x->b != NONE && !w->values[x->b].last) w->values[x->b].last = i;
    }
}

/* The code of one value, whose operands are a and b, or NONE. */
static void write_value(registers *r, int a, int b) {
    x86_code *c = r->c;
    value *values = r->w->values, *x = values + r->at;
    fetch_value(r, a, a, b);
    if (b != NONE) fetch_value(r, b, a, b);
    if (x->op == STORE) save_row(r, x->b, a);
    if (x->op == STORE) store_row(r, values[a].reg, x->b);
    if (x->op == LOOK) x86_look_at(c, values[a].reg, c->wide ? 0 : find_register(r, a, NONE));
    int ra = values[a].reg, rb = b == NONE ? NONE : values[b].reg;
    drop(r, a);
    drop(r, b);
    if (!is_arithmetic(x)) return;
    x->reg = find_register(r, NONE, NONE);
    r->held[x->reg] = r->at;
    if (b == NONE) x86_one(c, x->op, x->reg, ra);
    else x86_two(c, x->op, x->reg, ra, rb);
    drop(r, r->at);
}

static void write_code(builder *w, x86_code *c) {
    registers r = {.w = w, .c = c, .count = x86_registers(c)};
    int most = r.count / 2; /* for constants, which stay */
    memset(r.held, NONE, sizeof r.held);
    find_last(w);
    x86_enter(c);
    for (int i = 0; i < w->count && r.count > most; i++) {
        if (w->values[i].op != BROADCAST || !w->values[i].last) continue;
        w->values[i].reg = --r.count;
        x86_broadcast(c, r.count, w->values[i].b);
    }
    const unsigned char *begin = x86_begin(c);
    for (r.at = 0; r.at < w->count && !w->full; r.at++) {
        const value *x = w->values + r.at;
        if (x->op == PREFETCH) x86_prefetch(c, x->b);
        else if (x->op == STORE || x->op == LOOK) write_value(&r, x->a, NONE);
        else if (is_arithmetic(x) && (x->last || x->wanted)) write_value(&r, x->a, x->b);
    }
    x86_end(c, begin);
}

/* Writes the code of a stage, if it has anything to do. */
static void finish(builder *w, x86_code *c, dd_stage *stage) {
    int something = 0;
    for (int i = 0; i < w->count; i++) something |= w->values[i].op == STORE || w->values[i].wanted;
    if (!something || w->full) return;
    write_code(w, c);
    stage->slots = malloc(w->nslots * sizeof *w->slots);
    if (!stage->slots) {
        w->full = 1;
        return;
    }
    stage->count = w->nslots;
    for (int i = 0; i < w->nslots; i++) {
        stage->slots[i] = w->slots[i];
        if (w->slots[i].place == DD_REGISTERS && !w->touched[i])
            stage->slots[i] = (dd_slot){DD_CONSTANT, NULL, 0};
    }
}

/* How many rows of a block the steps of a job use, besides arrays. */
static ptrdiff_t rows_in_use(const dd_job *job, const dd_fused *fused) {
    ptrdiff_t rows = 0;
    for (ptrdiff_t row = 0; row < job->rows; row++) {
        int used = 0;
        for (int s = 0; s < job->count && !used; s++) {
            const dd_step *q = job->steps + s;
            used = q->kind == DD_PLAIN && row >= q->row && row < q->row + own_rows(job, q);
        }
        for (int i = 0; i < fused->count && !used; i++)
            for (int k = 0; k < fused->stages[i].count && !used; k++) {
                const dd_slot *x = fused->stages[i].slots + k;
                used = x->place == DD_REGISTERS && x->row == row;
            }
        rows += used;
    }
    for (int s = 0; s < job->count; s++)
        if (job->steps[s].kind == DD_PLAIN) return rows + job->scratch;
    return rows;
}

dd_fused *dd_fuse(dd_job *job) {
    int stages = job->steps[job->steps[job->count - 1].who].stage + 1, wide = x86_runs(1);
    size_t begins[STEPS];
    dd_fused *fused = calloc(1, sizeof *fused);
    builder *w = malloc(sizeof *w);
    unsigned char *buf = malloc(CODE);
    x86_code c = {buf, buf + CODE, 0, wide, job->type == DD_F32};
    if (fused) {
        fused->stages = calloc(stages, sizeof *fused->stages);
        fused->numbers = malloc(NUMBERS * sizeof *fused->numbers);
        fused->count = fused->stages ? stages : 0;
        fused->lanes = (int)((wide ? 64 : 32) / item_size[job->type]);
    }
    if (fused && w && buf && fused->stages && fused->numbers) {
        int fetching = fetching_stage(job, stages);
        w->job = job, w->numbers = fused->numbers, w->nnumbers = w->full = 0;
        for (int stage = 0, at = 0; stage < stages; stage++) {
            w->stage = stage, w->count = w->nslots = 0;
            memset(w->buckets, NONE, sizeof w->buckets);
            memset(w->touched, 0, sizeof w->touched);
            memset(w->v, NONE, sizeof w->v);
            memset(w->t, NONE, sizeof w->t);
            for (; at < job->count && job->steps[job->steps[at].who].stage == stage; at++)
                build_step(w, job->steps[at].who);
            if (stage == fetching && w->count) fetch_next(w), fused->fetches = 1;
            begins[stage] = (size_t)(c.at - buf);
            finish(w, &c, fused->stages + stage);
        }
        if (!w->full && !c.full && c.at > buf) fused->code = x86_publish(buf, (size_t)(c.at - buf));
    }
    free(w);
    free(buf);
    if (!fused || !fused->code) return dd_unfuse(fused), NULL;
    for (int i = 0; i < stages; i++)
        if (fused->stages[i].slots) fused->stages[i].code = (x86_loop)(fused->code + begins[i]);
    fused->rows = rows_in_use(job, fused);
    return fused;
}

void dd_unfuse(dd_fused *fused) {
    if (!fused) return;
    if (fused->code) x86_withdraw(fused->code);
    for (int i = 0; i < fused->count; i++) free(fused->stages[i].slots);
    free(fused->stages);
    free(fused->numbers);
    free(fused);
}
