/* SPDX-License-Identifier: MIT */
/* printk_test.c - the log keeps order, loses only the oldest, never waits. */
#include <kernel/core/backtrace.h>
#include <kernel/core/clock.h>
#include <kernel/core/printk.h>
#include <kernel/core/smp.h>
#include <kernel/task/kthread.h>
#include <lib/format.h>
#include <string.h>
#include <tests/test.h>
#include "printk_impl.h"

#define NR_SLOTS 4

static struct printk_ring *new_ring(void)
{
	static struct printk_slot slots[NR_SLOTS];
	static struct printk_ring ring;

	memset(slots, 0, sizeof(slots));
	ring = (struct printk_ring){.order = 2, .slots = slots};
	return &ring;
}

static bool file(struct printk_ring *ring, const char *text)
{
	struct printk_slot *slot = printk_ring_reserve(ring);

	if (!slot)
		return false;
	strcpy(slot->rec.text, text);
	printk_ring_commit(ring, slot);
	return true;
}

TEST(printk, ring_gives_records_in_order)
{
	struct printk_ring *ring = new_ring();
	struct printk_record rec;
	u64 seq = 0;

	EXPECT(!printk_ring_read(ring, &seq, &rec, false));
	ASSERT(file(ring, "a"));
	ASSERT(file(ring, "b"));

	ASSERT(printk_ring_read(ring, &seq, &rec, false));
	EXPECT_STREQ(rec.text, "a");
	EXPECT_EQ(rec.seq, 0);
	ASSERT(printk_ring_read(ring, &seq, &rec, false));
	EXPECT_STREQ(rec.text, "b");
	EXPECT(!printk_ring_read(ring, &seq, &rec, false));
}

TEST(printk, full_ring_forgets_the_oldest)
{
	struct printk_ring *ring = new_ring();
	static const char *const texts[] = {"0", "1", "2", "3", "4", "5"};
	struct printk_record rec;
	u64 seq = 0;

	for (int i = 0; i < 6; i++)
		ASSERT(file(ring, texts[i]));
	for (int i = 2; i < 6; i++) {
		ASSERT(printk_ring_read(ring, &seq, &rec, false));
		EXPECT_EQ(rec.seq, i);
		EXPECT_STREQ(rec.text, texts[i]);
	}
	EXPECT(!printk_ring_read(ring, &seq, &rec, false));
}

/* Readers wait for an interrupted writer, a panic does not. */
TEST(printk, unfinished_record_stops_readers_but_not_a_panic)
{
	struct printk_ring *ring = new_ring();
	struct printk_slot *unfinished = printk_ring_reserve(ring);
	struct printk_record rec;
	u64 seq = 0, panic_seq = 0;

	ASSERT(unfinished != NULL);
	ASSERT(file(ring, "later"));

	EXPECT(!printk_ring_read(ring, &seq, &rec, false));
	EXPECT(!printk_ring_ready(ring, 0));
	ASSERT(printk_ring_read(ring, &panic_seq, &rec, true));
	EXPECT_STREQ(rec.text, "later");

	strcpy(unfinished->rec.text, "first");
	printk_ring_commit(ring, unfinished);
	ASSERT(printk_ring_read(ring, &seq, &rec, false));
	EXPECT_STREQ(rec.text, "first");
}

/* A writer interrupted for a whole lap costs the records that would overtake
 * it, and nothing waits. */
TEST(printk, ring_full_of_an_unfinished_record_drops)
{
	struct printk_ring *ring = new_ring();
	struct printk_slot *unfinished = printk_ring_reserve(ring);

	ASSERT(unfinished != NULL);
	for (int i = 1; i < NR_SLOTS; i++)
		ASSERT(file(ring, "x"));
	EXPECT(!file(ring, "dropped"));
	EXPECT(!file(ring, "dropped"));
	EXPECT_EQ(ring->nr_dropped, 2);

	printk_ring_commit(ring, unfinished);
	EXPECT(file(ring, "goes on"));
	EXPECT_EQ(ring->nr_dropped, 2);
}

/* A panic's writers come back no more: its lines go round them, lap by lap. */
TEST(printk, lines_of_a_panic_pass_by_what_is_never_finished)
{
	struct printk_ring *ring = new_ring();
	struct printk_record rec;
	char text[2] = "a";
	u64 seq = 0;

	ASSERT(file(ring, "before"));
	ASSERT(printk_ring_reserve(ring) != NULL);
	ring->writers_stopped = true;
	for (int i = 0; i < 4 * NR_SLOTS; i++, text[0]++) {
		ASSERT(file(ring, text));
		do
			ASSERT(printk_ring_read(ring, &seq, &rec, true));
		while (!strcmp(rec.text, "before"));
		EXPECT_STREQ(rec.text, text);
	}
	EXPECT(!printk_ring_read(ring, &seq, &rec, true));
	EXPECT_EQ(ring->nr_dropped, 0);
}

/* -- Two CPUs on a small ring ---------------------------------------------- */

static bool keep_filing;

/* Record n is the letter n, all over. */
static int file_for_ever(void *arg)
{
	struct printk_ring *ring = arg;

	while (READ_ONCE(keep_filing)) {
		struct printk_slot *slot = printk_ring_reserve(ring);

		if (!slot)
			continue;
		memset(slot->rec.text, 'a' + slot->rec.seq % 26,
		       sizeof(slot->rec.text));
		printk_ring_commit(ring, slot);
		/* Now and then let a reader have a whole record. */
		if (slot->rec.seq % 8 == 0)
			ndelay(2000);
	}
	return 0;
}

static bool is_whole(const struct printk_record *rec)
{
	for (int i = 0; i < ARRAY_SIZE(rec->text); i++)
		if (rec->text[i] != 'a' + rec->seq % 26)
			return false;
	return true;
}

TEST(printk, reader_overtaken_by_writers_sees_no_torn_record)
{
	struct printk_ring *ring = new_ring();
	u64 seq = 0, end = ktime_get_ns() + 300 * NSEC_PER_MSEC;
	struct printk_record rec;
	struct task *t;

	if (num_online_cpus() < 2)
		SKIP("needs two CPUs");
	WRITE_ONCE(keep_filing, true);
	t = kthread_run(file_for_ever, ring, "writer");
	ASSERT(!IS_ERR(t));
	while (ktime_get_ns() < end) {
		u64 before = seq;

		if (!printk_ring_read(ring, &seq, &rec, false)) {
			cpu_relax();
			continue;
		}
		if (!EXPECT(is_whole(&rec)) || !EXPECT_EQ(rec.seq + 1, seq) ||
		    !EXPECT_GE(rec.seq, before))
			break;
	}
	EXPECT_GT(seq, 0);
	WRITE_ONCE(keep_filing, false);
	task_join(t);
}

/* -- The log itself -------------------------------------------------------- */

/* Skip what is there; what follows is the test's. */
static u64 end_of_log(void)
{
	static struct printk_record rec;
	u64 seq = 0;

	while (printk_read(&seq, &rec))
		;
	return seq;
}

TEST(printk, lines_are_cut_at_newlines)
{
	struct printk_record rec;
	u64 seq = end_of_log();

	printk(KERN_DEBUG "one\ntwo\n");
	ASSERT(printk_read(&seq, &rec));
	EXPECT_STREQ(rec.text, "one");
	EXPECT_EQ(rec.level, LOG_DEBUG);
	ASSERT(printk_read(&seq, &rec));
	EXPECT_STREQ(rec.text, "two");
	EXPECT(!printk_read(&seq, &rec));
}

TEST(printk, long_lines_go_on_in_the_next_record)
{
	static char line[PRINTK_MAX_LINE + 10];
	struct printk_record rec;
	u64 seq = end_of_log();

	memset(line, 'x', sizeof(line) - 1);
	printk(KERN_DEBUG "%s", line);
	ASSERT(printk_read(&seq, &rec));
	EXPECT_EQ(rec.len, PRINTK_MAX_LINE - 1);
	ASSERT(printk_read(&seq, &rec));
	EXPECT_EQ(rec.len, 10);
	EXPECT(!printk_read(&seq, &rec));
}

TEST(printk, text_that_is_cut_short_says_so)
{
	static char text[2 * PRINTK_MAX_TEXT];
	struct printk_record rec = {.len = 0};
	u64 seq = end_of_log();
	size_t total = 0;

	memset(text, 'x', sizeof(text) - 1);
	printk(KERN_DEBUG "%s", text);
	while (printk_read(&seq, &rec))
		total += rec.len;
	EXPECT_EQ(total, PRINTK_MAX_TEXT - 1);
	ASSERT(rec.len >= 4);
	EXPECT_STREQ(rec.text + rec.len - 4, "x...");
}

TEST(printk, an_empty_line_is_a_record)
{
	struct printk_record rec;
	u64 seq = end_of_log();

	printk(KERN_DEBUG "\n");
	ASSERT(printk_read(&seq, &rec));
	EXPECT_EQ(rec.len, 0);
	EXPECT(!printk_read(&seq, &rec));
}

/* A console that remembers, and may talk back. */
static char heard[4096];
static size_t heard_len;
static bool talks_back;

static void hear(struct console *con, const char *text, size_t len)
{
	if (heard_len + len < sizeof(heard)) {
		memcpy(heard + heard_len, text, len);
		heard_len += len;
		heard[heard_len] = '\0';
	}
	if (talks_back) {
		talks_back = false;
		pr_info("printk_test: written while writing\n");
	}
}

static struct console ear = {.name = "ear", .write = hear};

/* Registered, with all older lines behind it. */
static void open_ear(void)
{
	register_console(&ear);
	while (printk_pending())
		printk_flush();
	heard_len = 0;
	heard[0] = '\0';
}

TEST(printk, consoles_show_levels_below_loglevel)
{
	open_ear();
	printk(KERN_DEBUG "printk_test: quiet\n");
	printk(KERN_INFO "printk_test: loud\n");
	unregister_console(&ear);
	EXPECT(strstr(heard, "printk_test: loud\n") != NULL);
	EXPECT(strstr(heard, "quiet") == NULL);
}

TEST(printk, a_late_console_hears_the_past)
{
	printk(KERN_INFO "printk_test: before it came\n");
	heard_len = 0;
	ear.seq = 0;
	register_console(&ear);
	while (printk_pending())
		printk_flush();
	unregister_console(&ear);
	/* The ring may hold more than the ear does. */
	EXPECT_GT(heard_len, 0);
	EXPECT(strstr(heard, "] ") != NULL);
}

/* A console that prints finds itself the owner: the line follows. */
TEST(printk, a_console_may_print)
{
	open_ear();
	talks_back = true;
	printk(KERN_INFO "printk_test: said\n");
	unregister_console(&ear);
	EXPECT(strstr(heard, "written while writing\n") != NULL);
}

TEST(printk, unregistered_console_is_silent)
{
	open_ear();
	unregister_console(&ear);
	printk(KERN_INFO "printk_test: nobody listens\n");
	EXPECT_EQ(heard_len, 0);
}

TEST(printk, rendered_line_has_time_and_cpu)
{
	struct printk_record rec = {.ns = 12345678, .cpu = 3};
	char line[64];

	strcpy(rec.text, "hello");
	EXPECT_EQ(printk_render(&rec, line, sizeof(line)), strlen(line));
	EXPECT_STREQ(line, "[    0.012345 cpu3] hello\n");
}

/* -- All CPUs at once ------------------------------------------------------ */

/* All together fit into the ring. */
static int lines_per_cpu(void)
{
	return 800 / num_online_cpus();
}

static void print_some(void *info)
{
	for (int i = 0; i < lines_per_cpu(); i++)
		printk(KERN_DEBUG "printk_test: cpu %u line %d\n",
		       smp_processor_id(), i);
}

/* Every line of every CPU is there once, and each CPU's in its order. */
TEST(printk, all_cpus_print_at_once)
{
	static int next[NR_CPUS];
	struct printk_record rec;
	u64 seq = end_of_log();
	int lines = 0;

	memset(next, 0, sizeof(next));
	on_each_cpu(print_some, NULL, true);
	while (printk_read(&seq, &rec)) {
		char expected[64];

		if (strncmp(rec.text, "printk_test: cpu ", 17))
			continue;
		format(expected, sizeof(expected),
		       "printk_test: cpu %u line %d", rec.cpu, next[rec.cpu]++);
		EXPECT_STREQ(rec.text, expected);
		lines++;
	}
	EXPECT_EQ(lines, lines_per_cpu() * num_online_cpus());
}

/* -- In NMIs --------------------------------------------------------------- */

static bool chatter;

/* Together less than the ring holds, so that the NMIs' lines stay in it. */
static int chatterbox(void *unused)
{
	unsigned int n = 500 / num_online_cpus();

	while (READ_ONCE(chatter)) {
		if (n)
			printk(KERN_DEBUG "printk_test: chatter %u\n", n--);
		cpu_relax();
	}
	return 0;
}

/* An NMI prints in the middle of a printk that it interrupted, on CPUs that do
 * nothing else: everybody goes on, and every CPU was heard. */
TEST(printk, nmis_print_on_top_of_printers)
{
	static struct task *tasks[NR_CPUS];
	static struct printk_record rec;
	unsigned int rounds = num_online_cpus() > 16 ? 1 : 3, heads = 0, cpu;
	u64 seq;

	WRITE_ONCE(chatter, true);
	for_each_online_cpu(cpu) {
		tasks[cpu] = kthread_create(chatterbox, NULL, "chatterbox");
		ASSERT(!IS_ERR(tasks[cpu]));
		kthread_bind(tasks[cpu], cpu);
		wake_up_process(tasks[cpu]);
	}
	seq = end_of_log();
	for (unsigned int i = 0; i < rounds; i++)
		backtrace_print_all_cpus();
	WRITE_ONCE(chatter, false);
	for_each_online_cpu(cpu)
		task_join(tasks[cpu]);
	while (printk_read(&seq, &rec))
		heads += !strncmp(rec.text, "cpu", 3);
	EXPECT_EQ(heads, rounds * num_online_cpus());
}
