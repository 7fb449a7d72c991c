/* SPDX-License-Identifier: MIT */
/*
 * panic.h - invariants: what to do when one is broken.
 *
 * BUG_ON(cond)   the kernel cannot go on: panic, with the condition
 * WARN_ON(cond)  it can: a report with a backtrace, counted (report.h)
 *
 * Both are cold calls; the check is a compare and a branch.
 */
#pragma once
#include <lib/compiler.h>
#include <lib/types.h>

struct trap_frame;

/*
 * Stop every CPU, print why, registers and backtraces, and end as panic= says:
 * halt (default), reboot, or exit (QEMU, with a failing status).  Any context.
 */
void panic(const char *fmt, ...) __printf(1, 2) __cold __noreturn;

/* The same for an exception nobody handles; @regs is where it happened. */
void panic_regs(const struct trap_frame *regs, const char *fmt, ...)
	__printf(2, 3) __cold __noreturn;

/* Has some CPU panicked?  For code that must not wait any more. */
bool panic_in_progress(void);

/* The CPU that did, or -1. */
int panic_cpu(void);

struct bug_site {
	const char *file;
	int line;
	const char *what;
};

/* After a call, barrier() keeps the compiler from turning it into a jump, which
 * would take the caller out of the backtrace. */
void bug_panic(const struct bug_site *site) __cold __noreturn;
void bug_warn(const struct bug_site *site) __cold;
void bug_warn_text(const struct bug_site *site, const char *fmt, ...)
	__printf(2, 3) __cold;

#define BUG_SITE_(what_)                                                       \
	static const struct bug_site site_ = {                                 \
		.file = __FILE__,                                              \
		.line = __LINE__,                                              \
		.what = what_,                                                 \
	}

#define BUG()                                                                  \
	do {                                                                   \
		BUG_SITE_("BUG()");                                            \
		bug_panic(&site_);                                             \
	} while (0)

#define BUG_ON(cond)                                                           \
	do {                                                                   \
		if (unlikely(cond)) {                                          \
			BUG_SITE_(#cond);                                      \
			bug_panic(&site_);                                     \
		}                                                              \
	} while (0)

/* Both have the condition's truth as their value. */
#define WARN_ON(cond)                                                          \
	({                                                                     \
		bool bad_ = !!(cond);                                          \
		if (unlikely(bad_)) {                                          \
			BUG_SITE_(#cond);                                      \
			bug_warn(&site_);                                      \
			barrier();                                             \
		}                                                              \
		unlikely(bad_);                                                \
	})

#define WARN(cond, fmt, ...)                                                   \
	({                                                                     \
		bool bad_ = !!(cond);                                          \
		if (unlikely(bad_)) {                                          \
			BUG_SITE_(#cond);                                      \
			bug_warn_text(&site_, fmt, ##__VA_ARGS__);             \
			barrier();                                             \
		}                                                              \
		unlikely(bad_);                                                \
	})

/* Reports the first time only. */
#define WARN_ON_ONCE(cond)                                                     \
	({                                                                     \
		static bool warned_;                                           \
		bool broken_ = !!(cond);                                       \
		if (unlikely(broken_) &&                                       \
		    !__atomic_exchange_n(&warned_, true, __ATOMIC_RELAXED)) {  \
			BUG_SITE_(#cond);                                      \
			bug_warn(&site_);                                      \
			barrier();                                             \
		}                                                              \
		unlikely(broken_);                                             \
	})

#define WARN_ONCE(cond, fmt, ...)                                              \
	({                                                                     \
		static bool warned_;                                           \
		bool broken_ = !!(cond);                                       \
		if (unlikely(broken_) &&                                       \
		    !__atomic_exchange_n(&warned_, true, __ATOMIC_RELAXED)) {  \
			BUG_SITE_(#cond);                                      \
			bug_warn_text(&site_, fmt, ##__VA_ARGS__);             \
			barrier();                                             \
		}                                                              \
		unlikely(broken_);                                             \
	})

/* Checked in debug builds only; @cond is compiled either way. */
#define DEBUG_WARN_ON(cond) ({ CONFIG_DEBUG ? WARN_ON(cond) : false; })
#define DEBUG_BUG_ON(cond)                                                     \
	do {                                                                   \
		if (CONFIG_DEBUG)                                              \
			BUG_ON(cond);                                          \
	} while (0)
