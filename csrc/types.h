/* What the files that include a template for each element type share. */
#ifndef DD_TYPES_H
#define DD_TYPES_H

/* Several versions of each kernel, chosen when the program is loaded, so that a
 * build for any x86-64 uses the vectors of the machine it runs on. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__) && \
    !defined(DD_NO_CLONES)
#define DD_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DD_CLONES
#endif
#if defined(__GNUC__)
#define DD_INLINE static inline __attribute__((always_inline))
#else
#define DD_INLINE static inline
#endif

/* Rows start where cache lines do: one that lies across two costs two. */
enum { DD_LINE = 64 };
#define DD_ALIGNED(p) ((char *)(((uintptr_t)(p) + DD_LINE - 1) & ~(uintptr_t)(DD_LINE - 1)))

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define FN(name) JOIN(name, SUFFIX)

#endif
