/* SPDX-License-Identifier: MIT */
/*
 * syscall_mem.c - newlib's and programs' system calls about memory, and what all
 * of them ask about the memory they are given.
 *
 * All of it comes from the calling task's arena (mm/virt/arena.c).  malloc does
 * not come by here: it has its heap in the same arena (kernel/task/heap.c).
 *
 * Context: tasks.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <arch/layout.h>
#include <arch/paging.h>
#include <lib/math.h>
#include <mm/virt/arena.h>
#include "syscall_impl.h"

/* -- Whether a pointer leads anywhere -- */

/* The kernel's own memory: is it mapped, and for that? */
static bool is_mapped(unsigned long addr, unsigned long last, bool write)
{
	struct paging_entry entry;

	for (;;) {
		if (!paging_lookup(addr, &entry) ||
		    (write && !(entry.prot & PAGE_WRITE)))
			return false;
		addr |= entry.size - 1;
		if (addr >= last)
			return true;
		addr++;
	}
}

static int may_access(const volatile void *p, size_t size, bool write)
{
	unsigned long addr = (unsigned long)p, last;

	if (!size)
		return 0;
	if (addr < DIRECT_MAP_BASE || check_add_overflow(addr, size - 1, &last))
		return -EFAULT;
	if (is_arena_addr(p))
		return arena_allows(addr, size,
				    write ? ARENA_WRITE
					  : ARENA_READ | ARENA_WRITE)
			       ? 0
			       : -EFAULT;
	return is_mapped(addr, last, write) ? 0 : -EFAULT;
}

int syscall_may_read(const void *p, size_t size)
{
	return may_access(p, size, false);
}

int syscall_may_write(void *p, size_t size)
{
	return may_access(p, size, true);
}

/* Page by page: what lies behind its end is nobody's business. */
int syscall_may_read_path(const char *path)
{
	size_t len = 0;

	while (len < PAGE_SIZE) {
		const char *at = path + len;
		size_t part = PAGE_SIZE - (unsigned long)at % PAGE_SIZE;

		part = min(part, PAGE_SIZE - len);
		if (may_access(at, part, false))
			return -EFAULT;
		if (memchr(at, '\0', part))
			return 0;
		len += part;
	}
	return -ENAMETOOLONG;
}

/* -- Mapping -- */

static int arena_prot(int prot)
{
	if (prot & ~(PROT_READ | PROT_WRITE))
		return -EINVAL;
	return (prot & PROT_READ ? ARENA_READ : 0) |
	       (prot & PROT_WRITE ? ARENA_READ | ARENA_WRITE : 0);
}

static long map(size_t size, int prot, int flags, int fd)
{
	const int known = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			  MAP_POPULATE;
	struct anon_arena *arena;
	unsigned long at;

	prot = arena_prot(prot);
	if (!size || prot < 0 || !(flags & MAP_PRIVATE) || (flags & ~known))
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS))
		return fd < 0 ? -EBADF : -ENODEV;
	arena = task_arena();
	if (!arena)
		return -ENOMEM;
	at = arena_map(arena, size, prot, 0);
	if (!IS_ERR_VALUE(at) && (flags & MAP_POPULATE) && prot &&
	    arena_populate(arena, at, size)) {
		arena_unmap(arena, at, size);
		return -ENOMEM;
	}
	return at;
}

void *mmap(void *addr, size_t size, int prot, int flags, int fd, off_t offset)
{
	syscall_enter();
	return (void *)syscall_return(_REENT, map(size, prot, flags, fd));
}

int munmap(void *addr, size_t size)
{
	struct anon_arena *arena = current->arena;

	syscall_enter();
	if (!arena)
		return syscall_return(_REENT, -EINVAL);
	return syscall_return(_REENT,
			      arena_unmap(arena, (unsigned long)addr, size));
}

int mprotect(void *addr, size_t size, int prot)
{
	struct anon_arena *arena = current->arena;

	syscall_enter();
	prot = arena_prot(prot);
	if (!arena || prot < 0)
		return syscall_return(_REENT, -EINVAL);
	return syscall_return(
		_REENT, arena_protect(arena, (unsigned long)addr, size, prot));
}

void *_sbrk_r(struct _reent *r, ptrdiff_t increment)
{
	struct anon_arena *arena = task_arena();

	syscall_enter();
	if (!arena)
		return (void *)syscall_return(r, -ENOMEM);
	return (void *)syscall_return(r, arena_sbrk(arena, increment));
}

void *sbrk(ptrdiff_t increment)
{
	return _sbrk_r(_REENT, increment);
}
