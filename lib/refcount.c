/* SPDX-License-Identifier: MIT */
/*
 * refcount.c - what happens to a count that went wrong.
 *
 * The store below may race with others' arithmetic and be lost; then the count
 * is still negative, and whoever touches it next comes here again.  That is
 * why the pin sits in the middle of the negative numbers: 2^30 steps of slack
 * on either side.
 *
 * Context: any.
 */
#include <lib/refcount.h>

void (*refcount_report)(refcount_t *r, enum refcount_fault fault);

void refcount_saturate(refcount_t *r, int old, enum refcount_fault fault)
{
	void (*report)(refcount_t *, enum refcount_fault);

	atomic_set(&r->refs, REFCOUNT_SATURATED);
	report = READ_ONCE(refcount_report);
	if (old >= 0 && report)
		report(r, fault);
}
