// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cases in turn: build what each engine needs, let them judge the same frames
 * in alternating rounds, compare every verdict, print results as JSON.
 *
 * usage: host_bench [-n FRAMES] [-r ROUNDS] [-m MEGABYTES] [CASE]...
 *
 * Standard output: an object with "results" and "notes". Exit status: 1 if a
 * verdict was wrong.
 */
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bench.h"

#define ROUNDS_MAX	101
#define NOTES_MAX	32

static char *notes[NOTES_MAX];
static uint32_t nnotes;
static bool first_result = true;

void die(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, format);
	fprintf(stderr, "host_bench: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(1);
}

void *allocate(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (!p)
		die("no memory for %zu times %zu bytes", count, size);
	return p;
}

void note(const char *format, ...)
{
	va_list args;

	if (nnotes == NOTES_MAX)
		die("more than %d notes", NOTES_MAX);
	va_start(args, format);
	if (vasprintf(&notes[nnotes], format, args) < 0)
		die("no memory for a note");
	va_end(args);
	fprintf(stderr, "host_bench: %s\n", notes[nnotes++]);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void result(const struct world *w, const struct engine *engine,
		   const char *unit, double *values, uint32_t n)
{
	qsort(values, n, sizeof(*values), compare);
	printf("%s\n{\"case\": \"%s\", \"peer\": \"%s\", \"variant\": \"%s\", \"unit\": \"%s\", ",
	       first_result ? "" : ",", w->name, engine->peer, engine->variant,
	       unit);
	printf("\"median\": %.10g, \"min\": %.10g, \"max\": %.10g, \"runs\": %u}",
	       n % 2 ? values[n / 2] :
		       (values[n / 2 - 1] + values[n / 2]) / 2,
	       values[0], values[n - 1], n);
	first_result = false;
}

static void result_bytes(const struct world *w, const char *peer,
			 const char *variant, size_t bytes)
{
	struct engine whole = { .peer = peer, .variant = variant };
	double value = (double)bytes;

	if (bytes)
		result(w, &whole, "bytes", &value, 1);
}

static void must_agree(const struct world *w, const struct engine *engine,
		       const struct frame *frames, uint32_t nframes,
		       struct counts *counts)
{
	measure(engine, frames, nframes, counts);
	if (counts->wrong)
		die("case %s: %s (%s) judges %u of %u %s other than the policy says",
		    w->name, engine->peer, engine->variant, counts->wrong,
		    nframes, frames == w->probes ? "probes" : "frames");
}

/* Rounds alternate, so that whatever else this machine does hits all alike. */
static void run_engines(const struct world *w, const struct engine *engines,
			uint32_t count, uint32_t rounds, bool counters)
{
	static double speed[ENGINES_MAX][ROUNDS_MAX];
	static double misses[ENGINES_MAX][ROUNDS_MAX];
	static double instructions[ENGINES_MAX][ROUNDS_MAX];
	struct counts counts;
	uint32_t r, e;

	/* The first round is thrown away: pages and caches fill. */
	for (r = 0; r <= rounds; r++) {
		for (e = 0; e < count; e++) {
			must_agree(w, &engines[e], w->frames, w->nframes,
				   &counts);
			if (!r) {
				struct counts ignored;

				must_agree(w, &engines[e], w->probes,
					   w->nprobes, &ignored);
				continue;
			}
			speed[e][r - 1] = w->nframes / counts.seconds;
			misses[e][r - 1] = counts.cache_misses / w->nframes;
			instructions[e][r - 1] = counts.instructions /
						 w->nframes;
		}
	}
	for (e = 0; e < count; e++) {
		result(w, &engines[e], "decisions/s", speed[e], rounds);
		fprintf(stderr, "host_bench: %-18s %-8s %-26s %7.2f M/s %7.1f ns\n",
			w->name, engines[e].peer, engines[e].variant,
			speed[e][rounds / 2] / 1e6,
			1e9 / speed[e][rounds / 2]);
		if (!counters)
			continue;
		result(w, &engines[e], "cache misses/decision", misses[e],
		       rounds);
		result(w, &engines[e], "instructions/decision",
		       instructions[e], rounds);
	}
}

static size_t heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void run_case(const char *name, uint32_t nframes, uint32_t rounds,
		     bool counters)
{
	struct world *w = world_create(name, nframes);
	struct engine engines[ENGINES_MAX];
	struct lenscap *lenscap;
	struct dpdk *dpdk;
	size_t before = heap_bytes(), ours;
	uint32_t count;

	lenscap = lenscap_create(w);
	ours = heap_bytes() - before;
	dpdk = dpdk_create(w);
	count = lenscap_engines(lenscap, engines);
	count += dpdk_engines(dpdk, engines + count);
	run_engines(w, engines, count, rounds, counters);
	result_bytes(w, "lenscap", "tables", ours);
	result_bytes(w, "dpdk", "tables, contexts", dpdk_bytes(dpdk, false));
	result_bytes(w, "dpdk", "tables, one context", dpdk_bytes(dpdk, true));
	dpdk_destroy(dpdk);
	lenscap_destroy(lenscap);
	world_destroy(w);
}

static uint32_t number(const char *text, uint32_t most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (!*text || *end || !value || value > most)
		die("not a number from 1 to %u: %s", most, text);
	return (uint32_t)value;
}

int main(int argc, char **argv)
{
	uint32_t nframes = 1 << 18, rounds = 7, megabytes = 10240, i;
	bool counters;
	int option;

	while ((option = getopt(argc, argv, "n:r:m:")) != -1) {
		switch (option) {
		case 'n':
			nframes = number(optarg, 1 << 24);
			break;
		case 'r':
			rounds = number(optarg, ROUNDS_MAX);
			break;
		case 'm':
			megabytes = number(optarg, 1 << 20);
			break;
		default:
			die("usage: host_bench [-n FRAMES] [-r ROUNDS] [-m MEGABYTES] [CASE]...");
		}
	}
	/* DPDK's memory has small pages without hugetlbfs: so has ours. */
	if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0))
		die("cannot switch huge pages off");
	dpdk_start(argv[0], megabytes);
	counters = measure_start();
	printf("{\"dpdk\": \"%s\", \"results\": [", dpdk_version());
	if (optind < argc)
		for (; optind < argc; optind++)
			run_case(argv[optind], nframes, rounds, counters);
	else
		for (i = 0; world_names[i]; i++)
			run_case(world_names[i], nframes, rounds, counters);
	printf("\n], \"notes\": [");
	for (i = 0; i < nnotes; i++)
		printf("%s\n\"%s\"", i ? "," : "", notes[i]);
	printf("\n]}\n");
	return 0;
}
