/* SPDX-License-Identifier: MIT */
/*
 * static_key.h - a condition that is code, not data.
 *
 *	DEFINE_STATIC_KEY_FALSE(memcg_enabled);
 *	if (static_branch_unlikely(&memcg_enabled)) ...
 *
 * Problem.    A feature that is off must not tax the paths it would hook.
 * Idea.       Each use is one 5-byte NOP in line, or a 5-byte jump; a table
 *             (section .jump_table) says where they are and where they go.
 *             Changing the key rewrites them on all CPUs while they run.
 * Which.      likely and unlikely choose which side is in line; the key's
 *             first value and that choice decide whether the instruction
 *             starts as NOP or as jump.
 * Order.      A change is visible everywhere when the call returns; before
 *             that, each CPU sees old or new at each use.
 *
 * Enabling and disabling may sleep.  Before static_key_init() keys hold their
 * first values and must not be changed.
 */
#pragma once
#include <lib/atomic.h>
#include <lib/compiler.h>
#include <lib/types.h>

struct jump_entry;

struct static_key {
	/* Changed under static_key.c's lock; read by anybody. */
	atomic_t enabled;

	/* Fixed by static_key_init(). */
	struct jump_entry *entries;
	unsigned int nr_entries;
};

/* Types of their own, because the first value chooses the instruction. */
struct static_key_true {
	struct static_key key;
};

struct static_key_false {
	struct static_key key;
};

#define STATIC_KEY_TRUE_INIT                                                   \
	{                                                                      \
		.key = {.enabled = ATOMIC_INIT(1) }                            \
	}
#define STATIC_KEY_FALSE_INIT                                                  \
	{                                                                      \
		.key = {.enabled = ATOMIC_INIT(0) }                            \
	}

#define DEFINE_STATIC_KEY_TRUE(name)                                           \
	struct static_key_true name = STATIC_KEY_TRUE_INIT
#define DEFINE_STATIC_KEY_FALSE(name)                                          \
	struct static_key_false name = STATIC_KEY_FALSE_INIT
#define DECLARE_STATIC_KEY_TRUE(name)  extern struct static_key_true name
#define DECLARE_STATIC_KEY_FALSE(name) extern struct static_key_false name

/* One use of a key.  The low bit of @key says which side is in line: the
 * instruction is a jump exactly when the key's value differs from it. */
struct jump_entry {
	unsigned long code;
	unsigned long target;
	unsigned long key;
};

#define JUMP_LABEL_SIZE 5

#define JUMP_ENTRY_                                                            \
	".pushsection .jump_table, \"aw\"\n\t"                                 \
	".balign 8\n\t"                                                        \
	".quad 1b, %l[jumped], %c0 + %c1\n\t"                                  \
	".popsection\n\t"

/* Both return whether the instruction, now, jumps. */
static __always_inline bool jump_label_nop(struct static_key *const key,
					   const bool in_line)
{
	asm goto("1: .byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n\t" JUMP_ENTRY_
		 :
		 : "i"(key), "i"(in_line)
		 :
		 : jumped);
	return false;
jumped:
	return true;
}

static __always_inline bool jump_label_jump(struct static_key *const key,
					    const bool in_line)
{
	asm goto("1: .byte 0xe9\n\t"
		 ".long %l[jumped] - (. + 4)\n\t" JUMP_ENTRY_
		 :
		 : "i"(key), "i"(in_line)
		 :
		 : jumped);
	return false;
jumped:
	return true;
}

/* Never defined: names a use of something that is not a static key. */
bool static_branch_wrong_type(void);

#define static_key_is_type_(x, type)                                           \
	__builtin_types_compatible_p(__typeof__(*(x)), struct type)

/* Is the key true?  The code behind it is out of line. */
#define static_branch_unlikely(x)                                              \
	({                                                                     \
		bool on_;                                                      \
		if (static_key_is_type_(x, static_key_false))                  \
			on_ = jump_label_nop(&(x)->key, false);                \
		else if (static_key_is_type_(x, static_key_true))              \
			on_ = jump_label_jump(&(x)->key, false);               \
		else                                                           \
			on_ = static_branch_wrong_type();                      \
		unlikely(on_);                                                 \
	})

/* Is the key true?  The code behind it is in line. */
#define static_branch_likely(x)                                                \
	({                                                                     \
		bool on_;                                                      \
		if (static_key_is_type_(x, static_key_true))                   \
			on_ = !jump_label_nop(&(x)->key, true);                \
		else if (static_key_is_type_(x, static_key_false))             \
			on_ = !jump_label_jump(&(x)->key, true);               \
		else                                                           \
			on_ = static_branch_wrong_type();                      \
		likely(on_);                                                   \
	})

/* Set it; twice is as good as once. */
#define static_branch_enable(x)	 static_key_enable(&(x)->key)
#define static_branch_disable(x) static_key_disable(&(x)->key)

/* Count users: true while there is one. */
#define static_branch_inc(x) static_key_slow_inc(&(x)->key)
#define static_branch_dec(x) static_key_slow_dec(&(x)->key)

/* The value, without code patching; for printing it. */
#define static_key_enabled(x) (atomic_read(&(x)->key.enabled) > 0)
#define static_key_count(x)   atomic_read(&(x)->key.enabled)

void static_key_enable(struct static_key *key);
void static_key_disable(struct static_key *key);
void static_key_slow_inc(struct static_key *key);
void static_key_slow_dec(struct static_key *key);

/* Sorts the table and links keys to their uses.  Boot CPU, before the first
 * change. */
void static_key_init(void);
