/* What fuse.c, which turns steps of arithmetic into loops of machine code, and those who plan
 * and run jobs both know. */
#ifndef DD_FUSE_H
#define DD_FUSE_H

#include "dualdiff.h"
#include "x86.h"

/* How a step is done in a job that is fused: by run_call as in any other; its values, or just its
 * auxiliary function, by NumPy's loops and its terms by machine code; all by machine code. */
enum { DD_PLAIN, DD_LOOP, DD_CODE };

enum { DD_SLOTS = 512 }; /* of a stage, at most */

/* A row that machine code reads or writes. */
typedef struct {
    enum { DD_CONSTANT, DD_STEADY, DD_ARRAY, DD_NEXT, DD_REGISTERS, DD_LAST } place;
    const char *base; /* of a constant its address, of an array (or its next block) that of its
                         first element */
    ptrdiff_t row;    /* of a block, or of the last step's result */
} dd_slot;

/* A stage of a job: what its steps that are not DD_CODE do, then the code of all. */
typedef struct {
    x86_loop code; /* NULL: nothing to do */
    dd_slot *slots;
    int count;
} dd_stage;

struct dd_fused {
    dd_stage *stages;
    int count;
    int lanes;      /* elements of a vector */
    ptrdiff_t rows; /* of a block that are in use */
    int fetches;    /* whether the code fetches what the next block is made of */
    double *numbers;
    const unsigned char *code;
};

/* Whether the auxiliary function of a step waits in a row for the stage's code. */
int dd_has_work_row(const dd_step *q);

/* Puts the steps in the order of their stages; returns whether the job may be fused.  After it,
 * and before rows are given out, `row_w` of steps that need one is 1, else 0. */
int dd_order(dd_job *job);

/* Writes the code: NULL where that cannot be done. */
dd_fused *dd_fuse(dd_job *job);
void dd_unfuse(dd_fused *fused);

#endif
