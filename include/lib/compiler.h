/* SPDX-License-Identifier: MIT */
/*
 * compiler.h - what we ask of the compiler beyond C.
 *
 * newlib's <sys/cdefs.h> spells a few of these its own way and with the same
 * meaning; ours stand when this header comes second, its own otherwise.
 */
#pragma once

#include <lib/types.h>

#undef __always_inline
#undef __aligned
#undef __noreturn
#undef __packed
#undef __printf
#undef __section
#undef __unused
#undef __used
#undef __weak

#define __always_inline	 inline __attribute__((__always_inline__))
#define __aligned(bytes) __attribute__((__aligned__(bytes)))
#define __cold		 __attribute__((__cold__))
#define __malloc	 __attribute__((__malloc__))
#define __maybe_unused	 __attribute__((__unused__))
#define __must_check	 __attribute__((__warn_unused_result__))
#define __noreturn	 __attribute__((__noreturn__))
#define __packed	 __attribute__((__packed__))
#define __printf(a, b)	 __attribute__((__format__(__printf__, a, b)))
#define __section(name)	 __attribute__((__section__(name)))
#define __unused	 __attribute__((__unused__))
#define __used		 __attribute__((__used__))
#define __weak		 __attribute__((__weak__))
#define noinline	 __attribute__((__noinline__))
#define fallthrough	 __attribute__((__fallthrough__))

/* For the reader: this pointer is an offset into every CPU's area. */
#define __percpu

#define likely(x)     __builtin_expect(!!(x), 1)
#define unlikely(x)   __builtin_expect(!!(x), 0)
#define unreachable() __builtin_unreachable()

#define __same_type(a, b)                                                      \
	__builtin_types_compatible_p(__typeof__(a), __typeof__(b))

#define __stringify_1(x...) #x
#define __stringify(x...)   __stringify_1(x)
#define __concat_1(a, b)    a##b
#define __paste(a, b)	    __concat_1(a, b)
#define __unique_id(prefix) __paste(prefix, __COUNTER__)

/* Fails to compile when @cond holds; a statement, so only inside functions. */
#define BUILD_BUG_ON(cond) _Static_assert(!(cond), "BUILD_BUG_ON(" #cond ")")

/* The same as an expression of value 0, for use inside other macros. */
#define BUILD_BUG_ON_ZERO(cond) ((int)(sizeof(struct { int : -!!(cond); })))

/* Number of elements; does not compile when @a is only a pointer. */
#define ARRAY_SIZE(a)                                                          \
	(sizeof(a) / sizeof(*(a)) +                                            \
	 (size_t)BUILD_BUG_ON_ZERO(__same_type((a), &(a)[0])))

#define sizeof_field(type, field) sizeof(((type *)0)->field)
#define offsetofend(type, field)                                               \
	(offsetof(type, field) + sizeof_field(type, field))

/* The structure whose @member is at @ptr; checks that the types agree. */
#define container_of(ptr, type, member)                                        \
	({                                                                     \
		_Static_assert(__same_type(*(ptr), ((type *)0)->member) ||     \
				       __same_type(*(ptr), void),              \
			       "container_of: not that member's type");        \
		(type *)((char *)(ptr)-offsetof(type, member));                \
	})

/* The compiler neither caches nor moves memory accesses across this line. */
#define barrier() __asm__ __volatile__("" : : : "memory")

/* The compiler forgets what it knows about @var's value. */
#define OPTIMIZER_HIDE_VAR(var) __asm__("" : "=r"(var) : "0"(var))

/*
 * One whole access, exactly here: not torn, repeated, merged or invented.
 * For anything another CPU or an interrupt may touch at the same time; it
 * orders nothing else (lib/barrier.h does).
 */
#define __assert_one_access(x)                                                 \
	_Static_assert(sizeof(x) == 1 || sizeof(x) == 2 || sizeof(x) == 4 ||   \
			       sizeof(x) == 8,                                 \
		       "not a size that one access can move")

#define READ_ONCE(x)                                                           \
	({                                                                     \
		__assert_one_access(x);                                        \
		*(const volatile __typeof__(x) *)&(x);                         \
	})

#define WRITE_ONCE(x, val)                                                     \
	do {                                                                   \
		__assert_one_access(x);                                        \
		*(volatile __typeof__(x) *)&(x) = (val);                       \
	} while (0)
