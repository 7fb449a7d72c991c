/* SPDX-License-Identifier: MIT */
/* arena_bench.c - what a page of a program's memory costs. */
#include <lib/err.h>
#include <mm/virt/arena.h>
#include <tests/bench.h>

#define PAGES 512
#define TIMES 100

/* The fault, the zeroing and the mapping; then all of it gone again. */
BENCH(arena, fault)
{
	struct anon_arena *arena = arena_create();
	unsigned long at;
	volatile char *p;

	if (!arena)
		return;
	at = arena_map(arena, PAGES * PAGE_SIZE, ARENA_READ | ARENA_WRITE, 0);
	if (!IS_ERR_VALUE(at)) {
		p = (volatile char *)at;
		bench_begin(b);
		for (unsigned long i = 0; i < PAGES; i++)
			p[i * PAGE_SIZE] = 1;
		bench_end(b, "arena.fault", PAGES);
		bench_begin(b);
		arena_unmap(arena, at, PAGES * PAGE_SIZE);
		bench_end(b, "arena.unmap512.per_page", PAGES);
	}
	arena_destroy(arena);
}

BENCH(arena, map_unmap)
{
	struct anon_arena *arena = arena_create();

	if (!arena)
		return;
	bench_begin(b);
	for (int i = 0; i < TIMES; i++) {
		unsigned long at = arena_map(arena, PAGE_SIZE, ARENA_READ, 0);

		arena_unmap(arena, at, PAGE_SIZE);
	}
	bench_end(b, "arena.map_unmap", TIMES);
	arena_destroy(arena);
}
