/* Writes vector instructions of x86-64: the encodings are those of Intel's manual, volume 2,
 * chapter 2.3 (VEX) and 2.7 (EVEX).
 *
 * rdi points to the rows, r11 to the row in use, and rax counts bytes up to 0.  Where a NaN was, k2
 * has a bit (AVX-512), or ymm15 (AVX2).
 */
#include <string.h>

#include "x86.h"

int x86_may_be_wide = 1;

#if defined(__x86_64__) && defined(__LP64__) && defined(__GNUC__) && \
    (defined(__linux__) || defined(__APPLE__))
#include <pthread.h>
#include <sys/mman.h>

static int refused; /* whether the system does not let memory be executed */

int x86_runs(int wide) {
    if (__atomic_load_n(&refused, __ATOMIC_RELAXED)) return 0;
    __builtin_cpu_init();
    if (!wide) return __builtin_cpu_supports("avx2");
    return x86_may_be_wide && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512dq");
}

/* Loops are kept for the next job that is like this one: to map memory takes longer than to write
 * the instructions. */
enum { LOOPS = 64 };
typedef struct {
    unsigned char *code;
    size_t bytes;
    int users;
} published;
static published kept[LOOPS];
static int oldest;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static unsigned char *map(const unsigned char *code, size_t bytes) {
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return NULL;
    memcpy(p, code, bytes);
    if (!mprotect(p, bytes, PROT_READ | PROT_EXEC)) return p;
    __atomic_store_n(&refused, 1, __ATOMIC_RELAXED);
    munmap(p, bytes);
    return NULL;
}

static published *find(const unsigned char *code, size_t bytes) {
    for (published *x = kept; x < kept + LOOPS; x++)
        if (x->code && x->bytes == bytes && !memcmp(x->code, code, bytes)) return x;
    for (int i = 0; i < LOOPS; i++) {
        published *x = kept + (oldest + i) % LOOPS;
        if (x->users) continue;
        oldest = (oldest + i + 1) % LOOPS;
        if (x->code) munmap(x->code, x->bytes);
        x->code = map(code, bytes);
        x->bytes = x->code ? bytes : 0;
        return x->code ? x : NULL;
    }
    return NULL;
}

/* Gives up where another thread is at it, which may not be there any more after a fork. */
const unsigned char *x86_publish(const unsigned char *code, size_t bytes) {
    if (pthread_mutex_trylock(&lock)) return NULL;
    published *x = find(code, bytes);
    if (x) x->users++;
    pthread_mutex_unlock(&lock);
    return x ? x->code : NULL;
}

void x86_withdraw(const unsigned char *code) {
    pthread_mutex_lock(&lock);
    for (published *x = kept; x < kept + LOOPS; x++)
        if (x->code == code) x->users--;
    pthread_mutex_unlock(&lock);
}
#else
int x86_runs(int wide) { return (void)wide, 0; }
const unsigned char *x86_publish(const unsigned char *code, size_t bytes) {
    return (void)code, (void)bytes, NULL;
}
void x86_withdraw(const unsigned char *code) { (void)code; }
#endif

static void put(x86_code *c, const unsigned char *bytes, size_t n) {
    if ((size_t)(c->end - c->at) < n) {
        c->full = 1;
        return;
    }
    memcpy(c->at, bytes, n);
    c->at += n;
}

enum { MAP_0F = 1, MAP_0F38 = 2, IN_MEMORY = -1, INDEXED = -2, SEEN = 15, UNORDERED = 3 };

int x86_registers(const x86_code *c) { return c->wide ? 32 : SEEN; }

/* One vector instruction: its prefix, opcode and operands.  rm: a register, [r11] or [r11 + rax].
 * pp: a prefix, 1 that of doubles; w: the bit that says so again in EVEX. */
static void vector(x86_code *c, int map, int pp, int w, int opcode, int reg, int v, int rm) {
    int memory = rm < 0, base = memory ? 11 : rm;
    unsigned b = !(base >> 3 & 1), x = memory ? 1 : !(base >> 4 & 1), r = !(reg >> 3 & 1);
    unsigned char code[8], *at = code;
    if (c->wide) {
        *at++ = 0x62;
        *at++ = (unsigned char)(r << 7 | x << 6 | b << 5 | (unsigned)!(reg >> 4 & 1) << 4 | map);
        *at++ = (unsigned char)(w << 7 | (~v & 15) << 3 | 1 << 2 | pp);
        *at++ = (unsigned char)(2 << 5 | !(v >> 4 & 1) << 3);
    } else {
        *at++ = 0xC4;
        *at++ = (unsigned char)(r << 7 | x << 6 | b << 5 | map);
        *at++ = (unsigned char)((~v & 15) << 3 | 1 << 2 | pp);
    }
    *at++ = (unsigned char)opcode;
    if (rm == INDEXED) {
        *at++ = (unsigned char)((reg & 7) << 3 | 4);
        *at++ = 0 << 3 | (11 & 7);
    } else {
        *at++ = (unsigned char)((memory ? 0 : 3) << 6 | (reg & 7) << 3 | (base & 7));
    }
    put(c, code, (size_t)(at - code));
}

void x86_two(x86_code *c, int opcode, int to, int a, int b) {
    vector(c, MAP_0F, !c->floats, !c->floats, opcode, to, a, b);
}

void x86_one(x86_code *c, int opcode, int to, int a) { x86_two(c, opcode, to, 0, a); }

/* mov r11, [rdi + 8 row] */
static void point(x86_code *c, int row) {
    unsigned at = 8 * (unsigned)row;
    unsigned char code[] = {0x4C, 0x8B, 0x9F, at & 255, at >> 8 & 255, at >> 16 & 255, at >> 24};
    put(c, code, sizeof code);
}

void x86_load(x86_code *c, int to, int row) {
    point(c, row);
    vector(c, MAP_0F, !c->floats, !c->floats, 0x10, to, 0, INDEXED);
}

void x86_store(x86_code *c, int from, int row) {
    point(c, row);
    vector(c, MAP_0F, !c->floats, !c->floats, 0x11, from, 0, INDEXED);
}

void x86_look_at(x86_code *c, int a, int spare) {
    static const unsigned char how[] = {UNORDERED};
    static const unsigned char either[] = {0xC5, 0xEC, 0x45, 0xD1}; /* korw k2, k2, k1 */
    vector(c, MAP_0F, !c->floats, !c->floats, 0xC2, c->wide ? 1 : spare, a, a);
    put(c, how, sizeof how);
    if (c->wide) put(c, either, sizeof either);
    else x86_two(c, X86_OR, SEEN, SEEN, spare);
}

/* prefetcht1 [r11 + rax] */
void x86_prefetch(x86_code *c, int row) {
    static const unsigned char code[] = {0x41, 0x0F, 0x18, 0x14, 0x03};
    point(c, row);
    put(c, code, sizeof code);
}

void x86_broadcast(x86_code *c, int to, int row) {
    point(c, row);
    vector(c, MAP_0F38, 1, !c->floats, c->floats ? 0x18 : 0x19, to, 0, IN_MEMORY);
}

void x86_enter(x86_code *c) {
    static const unsigned char code[] = {0xF3, 0x0F, 0x1E, 0xFA,  /* endbr64 */
                                         0x48, 0x89, 0xF0,        /* mov rax, rsi */
                                         0x48, 0xF7, 0xD8};       /* neg rax */
    static const unsigned char none[] = {0xC5, 0xEC, 0x47, 0xD2}; /* kxorw k2, k2, k2 */
    put(c, code, sizeof code);
    if (c->wide) put(c, none, sizeof none);
    else x86_two(c, X86_XOR, SEEN, SEEN, SEEN);
}

unsigned char *x86_begin(const x86_code *c) { return c->at; }

void x86_end(x86_code *c, const unsigned char *begin) {
    ptrdiff_t back = begin - c->at - 10; /* from the end of the jump */
    unsigned to = (unsigned)(int)back;
    unsigned char loop[] = {0x48,           0x83,    0xC0,     c->wide ? 64 : 32, /* add rax, 64 */
                            0x0F,           0x85,    to & 255, to >> 8 & 255,
                            to >> 16 & 255, to >> 24};            /* jnz */
    static const unsigned char mask[] = {0xC5, 0xF8, 0x93, 0xC2}; /* kmovw eax, k2 */
    static const unsigned char leave[] = {0xC5, 0xF8, 0x77,       /* vzeroupper */
                                          0xC3};                  /* ret */
    put(c, loop, sizeof loop);
    if (c->wide) put(c, mask, sizeof mask);
    else vector(c, MAP_0F, !c->floats, !c->floats, 0x50, 0, 0, SEEN); /* vmovmskpd eax, ymm15 */
    put(c, leave, sizeof leave);
}
