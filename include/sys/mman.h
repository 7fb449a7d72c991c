/* SPDX-License-Identifier: MIT */
/*
 * mman.h - memory by the page, for programs; newlib brings no such header.
 *
 * Memory is anonymous and the caller's own.  It is there, zeroed, when it is
 * first touched, and counts from then on; it goes with munmap() or its task.
 */
#pragma once
#include <stddef.h>
#include <sys/types.h>

#define PROT_NONE  0
#define PROT_READ  1
#define PROT_WRITE 2
#define PROT_EXEC  4 /* refused: memory is never made executable */

#define MAP_SHARED    0x01 /* refused: there are no files to share */
#define MAP_PRIVATE   0x02
#define MAP_FIXED     0x10 /* refused: addresses are the kernel's to choose */
#define MAP_ANONYMOUS 0x20
#define MAP_ANON      MAP_ANONYMOUS
#define MAP_NORESERVE 0x4000 /* as always */
#define MAP_POPULATE  0x8000 /* touch all of it at once, or fail */

#define MAP_FAILED ((void *)-1)

#ifdef __cplusplus
extern "C" {
#endif

/* @addr is a hint, and not taken; @fd is -1 and @offset 0. */
void *mmap(void *addr, size_t size, int prot, int flags, int fd, off_t offset);
int munmap(void *addr, size_t size);
int mprotect(void *addr, size_t size, int prot);

#ifdef __cplusplus
}
#endif
