/*
 * The integer types of the program, and the two kinds of physical address.
 *
 * A physical address of the machine and a physical address as the guest sees
 * it are both 64-bit numbers, and mixing them up is the classic hypervisor
 * bug. So each is a struct: the compiler refuses to confuse them.
 * Book: chapter 1, "Types that cannot be mixed up".
 */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;
typedef unsigned int uint;

/* A host-physical address (HPA): what goes out on the memory bus. */
typedef struct {
	u64 v;
} phys_t;

/* A guest-physical address (GPA): what the guest believes is one. */
typedef struct {
	u64 v;
} gphys_t;

#define PHYS(x)  ((phys_t){(u64)(x)})
#define GPHYS(x) ((gphys_t){(u64)(x)})

#define KIB 1024UL
#define MIB (1024UL * KIB)
#define GIB (1024UL * MIB)

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096UL
#define PAGE_MASK  (PAGE_SIZE - 1)
#define SIZE_2M    (2 * MIB)
#define SIZE_1G    GIB

#define BIT(n)           (1UL << (n))
#define ARRAY_SIZE(a)    (sizeof(a) / sizeof((a)[0]))
#define ALIGN_DOWN(x, a) ((x) & ~((typeof(x))(a)-1))
#define ALIGN_UP(x, a)   ALIGN_DOWN((x) + ((typeof(x))(a)-1), a)
#define MIN(a, b)        ((a) < (b) ? (a) : (b))
#define MAX(a, b)        ((a) > (b) ? (a) : (b))

/* The struct of which @member, found at @ptr, is a part. */
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr)-offsetof(type, member)))

#define __packed     __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __noreturn   __attribute__((noreturn))
#define __used       __attribute__((used))
#define __forceinline inline __attribute__((always_inline))

#endif
