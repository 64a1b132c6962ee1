/* A small pool of threads that share the elements of one job.
 *
 * Every element is computed by the same instructions whichever thread does it, so
 * results do not depend on the number of threads.  One job is shared out at a time;
 * a caller that finds the pool taken does its job alone.
 */
#include "dualdiff.h"

#include <string.h>

#if defined(_WIN32)

int dd_set_threads(int n) {
    (void)n;
    return 1;
}
int dd_parallel(dd_range run, void *job, ptrdiff_t size, ptrdiff_t grain) {
    (void)grain;
    return run(job, 0, size);
}

#else

#include <pthread.h>

enum { MAXTHREADS = 64, LINGER = 2000 /* some 30 us */ };

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER; /* held while a job is shared out */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static pthread_cond_t work = PTHREAD_COND_INITIALIZER, done = PTHREAD_COND_INITIALIZER;
static int wanted = 1, started = 0; /* threads, the caller's own included */
static long generation = 0;
static struct {
    dd_range run;
    void *job;
    ptrdiff_t size, grain, next;
    int status;
    _Atomic int busy; /* workers that have joined */
} share;

/* Waits a little for the workers' last pieces, which ends sooner than sleeping would. */
static void linger(void) {
    for (int i = 0; i < LINGER && share.busy; i++) {
#if defined(__x86_64__) && defined(__GNUC__)
        __builtin_ia32_pause();
#endif
    }
}

/* Takes pieces of the job until none is left. */
static void take_pieces(void) {
    for (;;) {
        pthread_mutex_lock(&lock);
        ptrdiff_t first = share.next, last = first + share.grain;
        if (first >= share.size || share.status) {
            pthread_mutex_unlock(&lock);
            return;
        }
        if (last > share.size) last = share.size;
        share.next = last;
        pthread_mutex_unlock(&lock);
        int status = share.run(share.job, first, last);
        if (status) {
            pthread_mutex_lock(&lock);
            share.status = status;
            pthread_mutex_unlock(&lock);
        }
    }
}

static void *worker(void *arg) {
    long seen = (long)(intptr_t)arg;
    for (;;) {
        pthread_mutex_lock(&lock);
        while (generation == seen) pthread_cond_wait(&work, &lock);
        seen = generation;
        share.busy++; /* one that wakes up late finds no pieces, and nobody waits for it */
        pthread_mutex_unlock(&lock);
        take_pieces();
        pthread_mutex_lock(&lock);
        if (--share.busy == 0) pthread_cond_signal(&done);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

/* After a fork only the calling thread lives on. */
static void forget_workers(void) {
    started = share.busy = 0;
    pthread_mutex_init(&turn, NULL);
    pthread_mutex_init(&lock, NULL);
    pthread_cond_init(&work, NULL);
    pthread_cond_init(&done, NULL);
}

int dd_set_threads(int n) {
    pthread_mutex_lock(&turn);
    wanted = n < 1 ? 1 : n > MAXTHREADS ? MAXTHREADS : n;
    n = wanted;
    pthread_mutex_unlock(&turn);
    return n;
}

static void start_workers(void) {
    static int registered = 0;
    if (!registered) registered = !pthread_atfork(NULL, NULL, forget_workers);
    while (started < wanted - 1) {
        pthread_t thread;
        pthread_attr_t detached;
        pthread_attr_init(&detached);
        pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
        int failed = pthread_create(&thread, &detached, worker, (void *)(intptr_t)generation);
        pthread_attr_destroy(&detached);
        if (failed) return; /* fewer threads then */
        started++;
    }
}

int dd_parallel(dd_range run, void *job, ptrdiff_t size, ptrdiff_t grain) {
    if (wanted < 2 || size <= grain || pthread_mutex_trylock(&turn)) return run(job, 0, size);
    start_workers();
    pthread_mutex_lock(&lock);
    share.run = run, share.job = job, share.size = size, share.grain = grain;
    share.next = 0, share.status = 0;
    generation++;
    pthread_cond_broadcast(&work);
    pthread_mutex_unlock(&lock);
    take_pieces();
    linger();
    pthread_mutex_lock(&lock);
    while (share.busy) pthread_cond_wait(&done, &lock);
    int status = share.status;
    pthread_mutex_unlock(&lock);
    pthread_mutex_unlock(&turn);
    return status;
}

#endif

enum { LARGE = 1 << 20, PIECE = 1 << 18 }; /* bytes that threads share; that one takes at a time */

typedef struct {
    char *to;
    const char *from;
} copy;

static int copy_bytes(void *arg, ptrdiff_t first, ptrdiff_t last) {
    const copy *c = arg;
    memcpy(c->to + first, c->from + first, last - first);
    return DD_OK;
}

void dd_copy(void *to, const void *from, size_t bytes) {
    copy c = {to, from};
    dd_parallel(copy_bytes, &c, bytes, bytes < LARGE ? bytes : PIECE);
}
