/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The metrics: their names, what they mean, and a snapshot's values for them.
 */
#ifndef LENSCAP_EXPORTER_METRICS_H
#define LENSCAP_EXPORTER_METRICS_H

#include "format.h"
#include "scrape.h"

/**
 * struct page - a snapshot on its way out, a sample at a time
 * @snapshot: it
 * @format: which text
 * @profiles: whether its subjects are profiles
 * @family: the next one
 * @row: the next of its samples
 * @headed: whether the family's header was written
 * @ended: whether all was written
 */
struct page {
	const struct snapshot *snapshot;
	enum format format;
	bool profiles;
	size_t family, row;
	bool headed, ended;
};

bool page_next(struct page *page, struct out *out);

#endif /* LENSCAP_EXPORTER_METRICS_H */
