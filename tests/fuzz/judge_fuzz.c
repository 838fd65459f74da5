// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as decisions of the oracle's generators: first a policy and
 * guards, then frames, some of them raw. The verdict must be the oracle's.
 */
#include <stdio.h>

#include "scene.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define FRAMES	32

static void raw_frame(struct source *s, struct pkt *p)
{
	static const u16 types[] = { 0x0800, 0x86dd, 0x0806, 0x88a8 };
	size_t len = draw(s, 400);

	memset(p, 0, sizeof(*p));
	p->f.ethertype = types[draw(s, 4)];
	p->f.has_mac = true;
	draw_mac(s, p->f.mac);
	if (len > s->left)
		len = s->left;
	memcpy(p->b, s->bytes, len);
	p->len = len;
	s->bytes += len;
	s->left -= len;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct source s = { .bytes = data, .left = size };
	static struct scene scene;
	static struct tally tally;
	static struct pkt p;
	const struct lc_guard *guard;
	const char *wrong;
	u32 i;

	wrong = scene_make(&s, &scene);
	if (wrong)
		scene_print_policy(&scene);
	for (i = 0; !wrong && s.left && i < FRAMES; i++) {
		guard = scene_guard(&s, &scene);
		if (chance(&s, 80))
			scene_frame(&s, &scene, guard, &p);
		else
			raw_frame(&s, &p);
		wrong = scene_compare(&scene, guard, &p, &tally);
		if (wrong)
			scene_print(&scene, guard, &p);
	}
	scene_end(&scene);
	if (wrong || env_live()) {
		fflush(stdout);
		fprintf(stderr, "%s\n", wrong ? wrong : "memory leaked");
		abort();
	}
	return 0;
}
