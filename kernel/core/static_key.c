/* SPDX-License-Identifier: MIT */
/*
 * static_key.c - rewrite every use of a key when its value changes.
 *
 * The compiler leaves one table entry for each use, in no order.  At boot the
 * table is sorted by key, and each key remembers its run of entries: from then
 * on a change touches exactly its own uses.
 *
 * Order.      On the way up the code is patched first and `enabled` raised
 *             last, on the way down the other way round: whoever finds it
 *             above 0 finds the code patched, and may add itself without the
 *             lock.
 * Batches.    A round of patching interrupts every CPU three times however
 *             many sites it has, so sites go in batches.
 * Rejected.   Patching while all CPUs stand still (stop_machine): simpler, but
 *             every CPU pays for the whole time.
 *
 * Context: changes may sleep (the lock is a mutex); uses may be anywhere.
 */
#include <arch/patch.h>
#include <kernel/core/mutex.h>
#include <kernel/core/panic.h>
#include <kernel/core/static_key.h>
#include <stdlib.h>

#define BATCH 32

extern struct jump_entry __jump_table_start[], __jump_table_end[];

static DEFINE_MUTEX(static_key_lock);
static bool initialized;

/* Under static_key_lock. */
static struct text_patch batch[BATCH];

static struct static_key *entry_key(const struct jump_entry *entry)
{
	return (struct static_key *)(entry->key & ~1ul);
}

static int by_key_then_code(const void *a, const void *b)
{
	const struct jump_entry *x = a, *y = b;

	if (entry_key(x) != entry_key(y))
		return entry_key(x) < entry_key(y) ? -1 : 1;
	return x->code < y->code ? -1 : x->code > y->code;
}

void static_key_init(void)
{
	struct jump_entry *entry = __jump_table_start;

	qsort(entry, __jump_table_end - entry, sizeof(*entry),
	      by_key_then_code);
	for (; entry < __jump_table_end; entry++) {
		struct static_key *key = entry_key(entry);

		if (!key->nr_entries)
			key->entries = entry;
		key->nr_entries++;
	}
	initialized = true;
}

/* Make every use of @key do what the value @on asks. */
static void patch_uses(struct static_key *key, bool on)
{
	unsigned int n = 0;

	BUG_ON(!initialized);
	for (unsigned int i = 0; i < key->nr_entries; i++) {
		const struct jump_entry *entry = &key->entries[i];
		bool in_line = entry->key & 1;
		void *code = (void *)entry->code;

		if (on == in_line)
			text_patch_nop(&batch[n++], code);
		else
			text_patch_jmp(&batch[n++], code,
				       (void *)entry->target);
		if (n == BATCH || i + 1 == key->nr_entries) {
			text_poke(batch, n);
			n = 0;
		}
	}
}

void static_key_slow_inc(struct static_key *key)
{
	if (atomic_inc_not_zero(&key->enabled))
		return;
	mutex_lock(&static_key_lock);
	if (!atomic_read(&key->enabled))
		patch_uses(key, true);
	atomic_inc(&key->enabled);
	mutex_unlock(&static_key_lock);
}

void static_key_slow_dec(struct static_key *key)
{
	if (atomic_add_unless(&key->enabled, -1, 1))
		return;
	mutex_lock(&static_key_lock);
	if (!WARN_ON(atomic_read(&key->enabled) <= 0) &&
	    atomic_dec_and_test(&key->enabled))
		patch_uses(key, false);
	mutex_unlock(&static_key_lock);
}

void static_key_enable(struct static_key *key)
{
	mutex_lock(&static_key_lock);
	if (!atomic_read(&key->enabled)) {
		patch_uses(key, true);
		atomic_set(&key->enabled, 1);
	}
	mutex_unlock(&static_key_lock);
}

void static_key_disable(struct static_key *key)
{
	mutex_lock(&static_key_lock);
	if (atomic_xchg(&key->enabled, 0))
		patch_uses(key, false);
	mutex_unlock(&static_key_lock);
}
