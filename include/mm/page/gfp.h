/* SPDX-License-Identifier: MIT */
/*
 * gfp.h - what an allocation may do to succeed, and where it may come from.
 *
 * Callers use the GFP_* combinations; the __GFP_* bits modify them.  How deep
 * each may dip into a zone that runs low:
 *
 *	GFP_KERNEL		down to min, then reclaims and waits
 *	GFP_NOWAIT		down to min, then fails
 *	GFP_ATOMIC		down to a quarter of min, then fails
 *	__GFP_MEMALLOC		to the last page: only for who frees memory by it
 *	__GFP_NOFAIL		waits for ever, but returns a page
 */
#pragma once

typedef unsigned int gfp_t;

/* Where from. */
#define __GFP_DMA32    0x00001u /* only below 4 GiB */
#define __GFP_THISNODE 0x00002u /* only from the node asked for */

/* How. */
#define __GFP_HIGH	     0x00004u /* may use the atomic reserve */
#define __GFP_IO	     0x00008u /* reclaim may start I/O */
#define __GFP_FS	     0x00010u /* reclaim may call file systems */
#define __GFP_DIRECT_RECLAIM 0x00020u /* the caller may wait */
#define __GFP_KSWAPD_RECLAIM 0x00040u /* wake background reclaim when low */
#define __GFP_RECLAIM	     (__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)
#define __GFP_NORETRY	     0x00080u /* one round of reclaim, then fail */
#define __GFP_RETRY_MAYFAIL  0x00100u /* many rounds, but no OOM killing */
#define __GFP_NOFAIL	     0x00200u /* never NULL; the caller may wait */
#define __GFP_MEMALLOC	     0x00400u /* ignore watermarks */
#define __GFP_NOMEMALLOC     0x00800u /* never use reserves, even if entitled */
#define __GFP_NOWARN	     0x01000u /* failing is expected: no report */

/* What. */
#define __GFP_ZERO    0x02000u
#define __GFP_COMP    0x04000u /* tail pages know their head */
#define __GFP_ACCOUNT 0x08000u /* charged to the caller's group */

#define __GFP_BITS 16

#define GFP_ATOMIC	   (__GFP_HIGH | __GFP_KSWAPD_RECLAIM)
#define GFP_NOWAIT	   (__GFP_KSWAPD_RECLAIM | __GFP_NOWARN)
#define GFP_NOIO	   (__GFP_RECLAIM)
#define GFP_NOFS	   (__GFP_RECLAIM | __GFP_IO)
#define GFP_KERNEL	   (__GFP_RECLAIM | __GFP_IO | __GFP_FS)
#define GFP_USER	   GFP_KERNEL
#define GFP_KERNEL_ACCOUNT (GFP_KERNEL | __GFP_ACCOUNT)
#define GFP_DMA32	   __GFP_DMA32

/* May an allocation with these flags sleep? */
#define gfpflags_allow_blocking(gfp) (!!((gfp)&__GFP_DIRECT_RECLAIM))
