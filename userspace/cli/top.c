// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl top: devices and destinations as they are now, on a terminal of at
 * least 80 columns and 24 lines, without colours. With --batch, plain text.
 *
 * Nothing here waits but for keys and for the end of a round of questions
 * (top_feed.c), so that a daemon that is dead is shown, and not felt.
 */
#include <errno.h>
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fields.h"
#include "human.h"
#include "top.h"

#define KEY_ESCAPE	27
#define FILTER_LEN	40
#define HEAD_LINES	3	/* title, summary, columns */
#define FOOT_LINES	1

/**
 * struct top - what is on the screen
 * @view: which list
 * @sort: its order
 * @reverse: the other way round
 * @paused: new answers are not shown
 * @typing: the filter is being typed
 * @help: help is shown instead
 * @device: a device is shown instead, or ""
 * @filter: what is searched for
 * @selected: the name under the cursor; "": the first row
 * @first: the first row that is on the screen
 * @scroll: first line of the page that is
 * @answers: what is shown
 * @rows: of both views
 * @before: when the answers came that @rows are compared with; 0: none
 * @error: why the daemon did not answer in the last round
 */
struct top {
	enum top_view view;
	enum top_sort sort;
	bool reverse;
	bool paused;
	bool typing;
	bool help;
	char device[TOP_NAME];
	char filter[FILTER_LEN];
	char selected[TOP_LINE];
	size_t first;
	size_t scroll;
	struct top_answers *answers;
	struct top_rows rows[TOP_VIEWS];
	double before;
	char error[160];
};

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

static void sort_all(struct top *top)
{
	for (int v = 0; v < TOP_VIEWS; v++)
		top_rows_sort(&top->rows[v], top->sort, top->reverse,
			      top->filter);
}

/* Answers of a round in which the daemon was not there say only that: what it
 * said last stays on the screen.
 */
static void take(struct top *top, struct top_answers *answers)
{
	double seconds = top->before > 0 ? answers->when - top->before : 0;

	snprintf(top->error, sizeof(top->error), "%s", answers->error);
	if (!answers->devices && top->answers && top->answers->devices) {
		json_decref(top->answers->status);
		top->answers->status = json_incref(answers->status);
		memcpy(top->answers->error, answers->error,
		       sizeof(answers->error));
		top_answers_free(answers);
		return;
	}
	for (int v = 0; v < TOP_VIEWS; v++) {
		struct top_rows rows;

		top_rows_make(&rows, (enum top_view)v, answers, &top->rows[v],
			      seconds);
		top_rows_free(&top->rows[v]);
		top->rows[v] = rows;
	}
	/* A device that is looked at keeps its rules until new ones come. */
	if (!answers->profile && top->answers && !*answers->error && *top->device)
		answers->profile = json_incref(top->answers->profile);
	top_answers_free(top->answers);
	top->answers = answers;
	top->before = answers->devices ? answers->when : 0;
	sort_all(top);
}

/* Where the cursor is. */
static size_t cursor(const struct top *top)
{
	const struct top_rows *rows = &top->rows[top->view];

	for (size_t i = 0; i < rows->nshown; i++)
		if (!strcmp(rows->shown[i]->name, top->selected))
			return i;
	return 0;
}

static size_t body_lines(void)
{
	return LINES > HEAD_LINES + FOOT_LINES ?
	       (size_t)(LINES - HEAD_LINES - FOOT_LINES) : 1;
}

static void put_line(int y, const char *text)
{
	if (y >= LINES)
		return;
	move(y, 0);
	clrtoeol();
	addnstr(text, COLS - 1);
}

static void draw_page(struct top *top, const struct top_page *page)
{
	size_t room = body_lines() + 1;

	if (top->scroll + room > page->count)
		top->scroll = page->count > room ? page->count - room : 0;
	for (size_t i = 0; i < room; i++)
		put_line(HEAD_LINES - 1 + (int)i,
			 top->scroll + i < page->count ?
			 page->lines[top->scroll + i] : "");
}

static void draw_rows(struct top *top)
{
	const struct top_rows *rows = &top->rows[top->view];
	size_t room = body_lines(), at = cursor(top);
	char text[TOP_LINE], line[TOP_LINE + 4];

	if (at < top->first)
		top->first = at;
	if (at >= top->first + room)
		top->first = at - room + 1;
	top_title(top->view, text);
	put_line(HEAD_LINES - 1, text);
	for (size_t i = 0; i < room; i++) {
		line[0] = '\0';
		if (top->first + i < rows->nshown) {
			top_row_text(top->view, rows->shown[top->first + i],
				     text);
			snprintf(line, sizeof(line), "%s%s",
				 top->first + i == at ? "> " : "  ", text);
		} else if (!i && top->answers) {
			snprintf(line, sizeof(line), "  %s", *top->filter ?
				 "nothing fits the filter" : "nothing");
		}
		put_line(HEAD_LINES + (int)i, line);
	}
}

static void draw_head(const struct top *top)
{
	const struct top_rows *rows = &top->rows[top->view];
	char line[TOP_LINE];

	snprintf(line, sizeof(line), "lenscap top  %s%s%s  %zu of %zu  by %s%s%s%s",
		 *top->device ? "device " : "",
		 *top->device ? top->device :
		 top->view == TOP_DEVICES ? "devices" : "destinations",
		 top->paused ? "  PAUSED" : "", rows->nshown, rows->count,
		 top_sort_name(top->sort), top->reverse ? ", reversed" : "",
		 *top->filter ? "  filter: " : "", top->filter);
	top_clean(line);
	put_line(0, line);
	top_summary(top->answers, line);
	put_line(1, line);
}

static void draw(struct top *top)
{
	const struct top_row *row = top_rows_find(&top->rows[TOP_DEVICES],
						  top->device);
	struct top_page page = { 0 };
	char line[FILTER_LEN + 32];

	draw_head(top);
	if (top->help) {
		top_page_help(&page);
		draw_page(top, &page);
	} else if (*top->device && row) {
		top_page_device(&page, row, top->answers);
		draw_page(top, &page);
	} else if (*top->device) {
		page = (struct top_page){ NULL, 0 };
		draw_page(top, &page);
		put_line(HEAD_LINES, "this device is not in the policy any more");
	} else {
		draw_rows(top);
	}
	top_page_free(&page);
	snprintf(line, sizeof(line), "filter: %s_", top->filter);
	put_line(LINES - 1, top->typing ? line :
		 top->help || *top->device ? "Esc back  up/down scroll  q end" :
		 "d devices  t destinations  Enter device  s sort  / filter  p pause  ? help  q end");
	refresh();
}

static void look_at(struct top *top, const char *device)
{
	snprintf(top->device, sizeof(top->device), "%s", device);
	top->scroll = 0;
	if (!*device && top->answers) {
		json_decref(top->answers->profile);
		top->answers->profile = NULL;
	}
	top_feed_look(device);
}

static void type_filter(struct top *top, int key)
{
	size_t len = strlen(top->filter);

	if (key == '\n' || key == KEY_ENTER) {
		top->typing = false;
	} else if (key == KEY_ESCAPE) {
		top->typing = false;
		top->filter[0] = '\0';
	} else if ((key == KEY_BACKSPACE || key == 127 || key == 8) && len) {
		top->filter[len - 1] = '\0';
	} else if (key >= 0x20 && key < 0x7f && len + 1 < FILTER_LEN) {
		top->filter[len] = (char)key;
		top->filter[len + 1] = '\0';
	}
	sort_all(top);
}

static void move_by(struct top *top, long by)
{
	const struct top_rows *rows = &top->rows[top->view];
	long at = (long)cursor(top) + by;

	if (top->help || *top->device) {
		at = (long)top->scroll + by;
		top->scroll = at < 0 ? 0 : (size_t)at;
		return;
	}
	if (at >= (long)rows->nshown)
		at = (long)rows->nshown - 1;
	if (at < 0)
		at = 0;
	if (rows->nshown)
		snprintf(top->selected, sizeof(top->selected), "%s",
			 rows->shown[at]->name);
}

static void back(struct top *top)
{
	if (top->help)
		top->help = false;
	else if (*top->device)
		look_at(top, "");
	else
		top->filter[0] = '\0';
	top->scroll = 0;
	sort_all(top);
}

static void show_view(struct top *top, enum top_view view)
{
	top->help = false;
	if (*top->device)
		look_at(top, "");
	top->view = view;
	top->first = 0;
	top->selected[0] = '\0';
}

static void enter(struct top *top)
{
	const struct top_rows *rows = &top->rows[TOP_DEVICES];

	if (top->view == TOP_DEVICES && rows->nshown && !top->help &&
	    !*top->device)
		look_at(top, rows->shown[cursor(top)]->name);
}

static void sort_by(struct top *top, int step)
{
	top->sort = (enum top_sort)(((int)top->sort + TOP_SORTS + step) %
				    TOP_SORTS);
	sort_all(top);
}

/* Return: go on? */
static bool obey(struct top *top, int key)
{
	long page = (long)body_lines();

	if (top->typing) {
		type_filter(top, key);
		return true;
	}
	switch (key) {
	case 'q':
		return false;
	case 'd':
		show_view(top, TOP_DEVICES);
		break;
	case 't':
		show_view(top, TOP_DESTINATIONS);
		break;
	case 's':
	case 'S':
		sort_by(top, key == 's' ? 1 : -1);
		break;
	case 'r':
		top->reverse = !top->reverse;
		sort_all(top);
		break;
	case 'p':
	case ' ':
		top->paused = !top->paused;
		break;
	case '/':
		top->typing = true;
		break;
	case '?':
	case 'h':
		top->help = !top->help;
		top->scroll = 0;
		break;
	case '\n':
	case KEY_ENTER:
		enter(top);
		break;
	case KEY_ESCAPE:
	case 'b':
	case KEY_BACKSPACE:
		back(top);
		break;
	case KEY_UP:
	case 'k':
		move_by(top, -1);
		break;
	case KEY_DOWN:
	case 'j':
		move_by(top, 1);
		break;
	case KEY_PPAGE:
		move_by(top, -page);
		break;
	case KEY_NPAGE:
		move_by(top, page);
		break;
	case KEY_HOME:
		move_by(top, -1000000);
		break;
	case KEY_END:
		move_by(top, 1000000);
		break;
	case KEY_RESIZE:
		erase();
		break;
	}
	return true;
}

static void wait_for_news(void)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = top_feed_fd(), .events = POLLIN },
	};

	/* A change of the window's size interrupts it. Ages grow by the second. */
	poll(fds, ARRAY_SIZE(fds), 1000);
	/* The terminal is gone. */
	if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		ended = 1;
}

static void live(struct top *top)
{
	bool on = true;

	while (on && !ended) {
		struct top_answers *answers = NULL;
		int key;

		draw(top);
		wait_for_news();
		while (on && (key = getch()) != ERR)
			on = obey(top, key);
		if (!top->paused)
			answers = top_feed_take();
		if (answers)
			take(top, answers);
	}
}

static int show(const struct cli *cli, struct top *top)
{
	struct sigaction action = { .sa_handler = end };
	SCREEN *screen;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return cli_fail(cli, CLI_USAGE,
				"top needs a terminal; \"lenscapctl top --batch\" prints without one");
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return cli_fail(cli, CLI_USAGE,
				"the terminal TERM=%s is not known; try TERM=vt100, or --batch",
				getenv("TERM") ?: "");
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	set_escdelay(50);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	live(top);
	endwin();
	delscreen(screen);
	return CLI_OK;
}

static void print_screen(const struct top *top)
{
	char line[TOP_LINE];

	top_summary(top->answers, line);
	printf("%s\n", line);
	for (int v = 0; v < TOP_VIEWS; v++) {
		const struct top_rows *rows = &top->rows[v];

		top_title((enum top_view)v, line);
		printf("%s\n", line);
		for (size_t i = 0; i < rows->nshown; i++) {
			top_row_text((enum top_view)v, rows->shown[i], line);
			printf("  %s\n", line);
		}
	}
	printf("\n");
	fflush(stdout);
}

static int print_all(const struct cli *cli, struct top *top)
{
	unsigned int screens = 0;

	while (!ferror(stdout) && (!cli->limit || screens < cli->limit)) {
		struct pollfd fd = { .fd = top_feed_fd(), .events = POLLIN };
		struct top_answers *answers;

		if (poll(&fd, 1, -1) < 0)
			continue;
		answers = top_feed_take();
		if (!answers)
			continue;
		take(top, answers);
		print_screen(top);
		screens++;
	}
	return top->answers && top->answers->status ? CLI_OK : CLI_UNREACHABLE;
}

int cmd_top(const struct cli *cli)
{
	struct top top = { 0 };
	int status, err;

	if (cli->json != CLI_JSON_OFF)
		return cli_fail(cli, CLI_USAGE,
				"top prints no JSON; \"devices\", \"profiles --hits\" and \"drops\" do");
	if (cli->argc)
		snprintf(top.filter, sizeof(top.filter), "%s", cli->argv[0]);
	err = top_feed_start(cli);
	if (err)
		return cli_fail(cli, CLI_REFUSED, "cannot begin: %s",
				strerror(-err));
	status = cli->batch ? print_all(cli, &top) : show(cli, &top);
	for (int v = 0; v < TOP_VIEWS; v++)
		top_rows_free(&top.rows[v]);
	top_answers_free(top.answers);
	return status;
}
